"""What the store accepts and how its items behave, whatever engine keeps them."""
