"""How commands end badly: a line or two that say what is wrong and what to do, and an exit code that says so too."""

import asyncio
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import typer

from infrastructure.local.stack.trouble import StackError, from_os

NOT_TAKEN, TROUBLE = 1, 2
T = TypeVar("T")


@contextmanager
def plainly() -> Iterator[None]:
    """Turn trouble with the laptop into words; anything else is a bug and keeps its traceback."""
    try:
        yield
    except StackError as trouble:
        _say(trouble)
    except OSError as error:
        _say(from_os(error))


def done(deed: Coroutine[Any, Any, T]) -> T:
    """Do it to the end; what is not taken is said by field and remedy, with exit code 1.

    What has yet to be signed on our own page is told with the link to it.
    """
    from pydantic import ValidationError

    from blocks.errors import ConflictError, NotFoundError, OutsideError, RefusedError
    from tasks.matters import ToConfirmError
    from tasks.stepup import where_to_confirm

    try:
        return asyncio.run(deed)
    except ToConfirmError as asked:
        print(f"{asked} {where_to_confirm(asked.request)}")
        raise typer.Exit(0) from None
    except RefusedError as refusal:
        print(f"✗ {refusal.detail}", file=sys.stderr)
    except ValidationError as error:
        for one in error.errors():
            print(f"✗ {'.'.join(str(part) for part in one['loc']) or 'until'}: {one['msg']}", file=sys.stderr)
    except NotFoundError as missing:
        print(f"✗ {missing}", file=sys.stderr)
    except ConflictError:
        print("✗ Nothing was changed: others were writing at the same moment. Please try again.", file=sys.stderr)
    except OutsideError as error:
        print(f"✗ Nothing was changed, {error}. Please try again.", file=sys.stderr)
    raise typer.Exit(NOT_TAKEN)


def _say(trouble: StackError) -> NoReturn:
    print(f"almoner: {trouble.message}\n{trouble.remedy}", file=sys.stderr)
    sys.exit(TROUBLE)
