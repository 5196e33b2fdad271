"""How commands end badly: a line or two that say what is wrong and what to do, and an exit code that says so too."""

import asyncio
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer

from blocks.errors import OutsideError, UnavailableError
from infrastructure.local.stack.trouble import StackError, from_os

if TYPE_CHECKING:
    from pydantic import ValidationError

NOT_TAKEN, TROUBLE = 1, 2
T = TypeVar("T")


@contextmanager
def plainly() -> Iterator[None]:
    """Turn trouble with the laptop, or with what is outside, into words; anything else keeps its traceback."""
    try:
        yield
    except StackError as trouble:
        _say(trouble)
    except UnavailableError as error:
        _say(StackError(f"It could not be looked at: {error}.", "Is it up? `almoner status` tells. Then try again."))
    except OutsideError as error:
        _say_what_does_not_hold(error)
    except OSError as error:
        _say(from_os(error))


def done(deed: Coroutine[Any, Any, T]) -> T:
    """Do it to the end; what is not taken is said by field and remedy, with exit code 1.

    What has yet to be signed on our own page is told with the link to it.
    """
    from pydantic import ValidationError

    from blocks.connect import SettingError
    from blocks.errors import ConflictError, NotFoundError, RefusedError
    from blocks.ledger import TamperedError
    from blocks.wire.broken import NEXT
    from tasks.signing.matters import ToConfirmError
    from tasks.signing.stepup import where_to_confirm

    try:
        return asyncio.run(deed)
    except ToConfirmError as asked:
        print(f"{asked} {where_to_confirm(asked.request)}")
        raise typer.Exit(0) from None
    except RefusedError as refusal:
        print(f"✗ {refusal.detail}", file=sys.stderr)
    except ValidationError as error:
        tell_faults(error, "until")
    except NotFoundError as missing:
        print(f"✗ {missing}", file=sys.stderr)
    except ConflictError:
        print("✗ Nothing was changed: others were writing at the same moment. Please try again.", file=sys.stderr)
    except SettingError as missing:
        print(f"✗ {missing}", file=sys.stderr)
    except TamperedError as error:
        print(f"✗ Nothing was changed, {error}.\n{NEXT}", file=sys.stderr)
    except OutsideError as error:
        print(f"✗ Nothing was changed, {error}. Please try again.", file=sys.stderr)
    raise typer.Exit(NOT_TAKEN)


def tell_faults(error: "ValidationError", field: str) -> None:
    """Say of each fault which field it is, and what it should be; *field* where it is none of them alone."""
    for one in error.errors():
        name = ".".join(str(part) for part in one["loc"]) or field
        words = one["msg"].removeprefix("Value error, ").removeprefix(f"{name}: ")
        print(f"✗ {name}: {words}", file=sys.stderr)


def document(file: Path) -> bytes:
    """Read a document that somebody saved, with whatever mark their editor puts before it; `RefusedError`: no UTF-8."""
    from blocks.errors import RefusedError

    try:
        return file.read_bytes().decode("utf-8-sig").encode()
    except UnicodeDecodeError:
        raise RefusedError("file", f"{file.name}: it is not UTF-8 text: save it as UTF-8, and try again") from None


def _say_what_does_not_hold(error: OutsideError) -> NoReturn:
    """Say that what lies there is no use; where it is the ledger that was tampered with, what to do now."""
    from blocks.ledger import TamperedError
    from blocks.wire.broken import NEXT

    if not isinstance(error, TamperedError):
        _say(StackError(f"It is no use: {error}.", "Set right what it says, then try again."))
    print(f"✗ {error}\n{NEXT}", file=sys.stderr)
    sys.exit(NOT_TAKEN)


def _say(trouble: StackError) -> NoReturn:
    print(f"almoner: {trouble.message}\n{trouble.remedy}", file=sys.stderr)
    sys.exit(TROUBLE)
