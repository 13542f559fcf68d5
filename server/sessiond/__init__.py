"""The daemon that keeps the sessions of AI agents."""

__all__ = ["__version__"]

# Here, from where the package's metadata takes it: to read those at each start takes longer than to import half of the
# daemon.
__version__ = "0.1.0"
