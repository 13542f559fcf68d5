"""What hostile clients do."""
