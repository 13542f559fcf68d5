"""A database as it is after years of use, and what tells whether the daemon still answers as on its first day."""
