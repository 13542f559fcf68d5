"""Hours of a steady load, in which nothing may grow."""
