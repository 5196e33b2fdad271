"""How commands end badly: two lines that say what is wrong and what to do, and exit code 2."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from infrastructure.local.stack.trouble import StackError, from_os

TROUBLE = 2


@contextmanager
def plainly() -> Iterator[None]:
    """Turn trouble with the laptop into words; anything else is a bug and keeps its traceback."""
    try:
        yield
    except StackError as trouble:
        _say(trouble)
    except OSError as error:
        _say(from_os(error))


def _say(trouble: StackError) -> NoReturn:
    print(f"almoner: {trouble.message}\n{trouble.remedy}", file=sys.stderr)
    sys.exit(TROUBLE)
