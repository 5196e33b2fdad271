"""Put the small hospital's policy and directory in force: `python -m infrastructure.local.hospital`."""

import asyncio
from importlib.resources import files

from blocks import connect
from blocks.books import DIRECTORY, POLICY
from blocks.records.people import Directory
from blocks.records.policy import Policy
from blocks.rulebook import adopt
from infrastructure.ending import run_and_leave
from tasks.case import utc_now

SETUP = "door:setup"
HERE = files("infrastructure.local.hospital")


def policy() -> Policy:
    """Read the small hospital's policy."""
    return Policy.model_validate_json(HERE.joinpath("policy.json").read_bytes())


def directory() -> Directory:
    """Read the small hospital's people."""
    return Directory.model_validate_json(HERE.joinpath("directory.json").read_bytes())


async def adopt_all() -> None:
    """Adopt both; a book in which somebody else has adopted one since is left alone.

    The people come first: no policy asks for anybody's passkey then.
    """
    for book, document in ((DIRECTORY, directory()), (POLICY, policy())):
        last = (await connect.ledger().read(book)).last("adopted")
        if last is None or last.actor == SETUP:
            await adopt(connect.ledger(), document, actor=SETUP, at=utc_now())


if __name__ == "__main__":
    run_and_leave(lambda: asyncio.run(adopt_all()))
