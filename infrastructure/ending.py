"""How a process that used object storage ends.

The store's own threads let go of a result a moment after it has arrived. An interpreter that is being taken down
in that moment is aborted (before Python 3.14), although all is done. So the process leaves without being taken down.
"""

import os
import sys
from collections.abc import Callable


def run_and_leave(main: Callable[[], object]) -> None:
    """Run *main* and leave with its exit code: what it returns, or what it exits with; 1 after an error."""
    try:
        code = main()
    except SystemExit as asked:
        code = asked.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:  # noqa: BLE001  printed as the interpreter would, and told by the code
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)
