"""A daemon that dies at a failpoint.

python -m tests.faults.dying_daemon commit-after 7 serve --data-dir DIR --listen unix:/path/of/the.sock
"""

import sys

from sessiond.cli import main
from tests.faults.failpoints import arm

if __name__ == "__main__":
    arm(sys.argv.pop(1), int(sys.argv.pop(1)))
    main()
