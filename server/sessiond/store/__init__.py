"""The store: what every engine offers, its errors, and one folder per engine."""
