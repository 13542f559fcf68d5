"""What a daemon knows of its own process, and wants of the operating system for it."""
