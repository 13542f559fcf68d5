"""How many files and connections the process may have open."""

import logging
import resource

__all__ = ["raise_descriptor_limit"]

_log = logging.getLogger(__name__)

ENOUGH_DESCRIPTORS = 65_536
"""Each connection takes one. Some systems name a hard limit that they do not grant."""


def raise_descriptor_limit() -> None:
    """Raises the soft limit to the hard one, up to 65,536, as servers do.

    The soft limit is low by tradition, for programs that cannot cope with many descriptors: 256 or 1,024 connections
    would be all.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, ENOUGH_DESCRIPTORS)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:
        _log.warning("at most %d files and connections can be open: the limit could not be raised (%s)", soft, error)
