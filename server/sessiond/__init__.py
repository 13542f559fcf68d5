"""The daemon that keeps the sessions of AI agents."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("sessiond")
