"""The peers, each in a file: how it is started, and how its own Python client drives it."""
