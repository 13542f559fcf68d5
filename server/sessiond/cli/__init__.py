"""The command `sessiond`: the daemon, and the clients for people and scripts.

The composition root: the one place that knows the daemon and the client library both. The modules of the commands
import what they need when they run, so that `--help` is quick.
"""

__all__ = ["main"]


def main() -> None:
    """Runs the command line of the process; ends the process with one of the codes in `sessiond.cli.exits`."""
    from sessiond.cli.entry import run

    run()
