"""`python -m sessiond`: the command, where its folder is not on the path."""

from sessiond.cli import main

main()
