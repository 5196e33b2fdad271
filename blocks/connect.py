"""The one place that binds a role to a vendor.

Addresses and secrets come from the environment, or from Prefect blocks where a role's variable says
`block:<slug>/<name>`. Imports a vendor's library only when its role is asked for.
"""

import asyncio
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

from blocks.ledger import Ledger
from blocks.ports import Desk, Erp, KeyStore, Store
from blocks.rulebook import Shelf
from blocks.sealing.notes import HeadsLog
from blocks.vault import Vault, master_key

if TYPE_CHECKING:
    from blocks.retention import LockedBucket
    from blocks.sealing.log import Log
    from blocks.sealing.tsa import Authority, Roots
    from blocks.sealing.witness import Witnessed
    from blocks.wire.signed_note import SecretKey


@dataclass
class Outside:
    """Everything outside, bound: what one event loop talks to."""

    ledger: Ledger
    shelf: Shelf
    erp: Erp | None = None
    desk: Desk | None = None
    channel: str = "approvals"
    keeping: asyncio.Task[None] | None = None


_bound: ContextVar[Outside | None] = ContextVar("outside", default=None)
_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Outside] = WeakKeyDictionary()


@contextmanager
def bound(outside: Outside) -> Iterator[Outside]:
    """Use *outside* in this context instead of what the environment names."""
    token = _bound.set(outside)
    try:
        yield outside
    finally:
        _bound.reset(token)


def ledger() -> Ledger:
    """Open the ledger: `ALMONER_STORE` is `s3://bucket` or a folder."""
    return current().ledger


def shelf() -> Shelf:
    """Open the shelf of policies and directories."""
    return current().shelf


def erp() -> Erp:
    """Open the ERP: `ALMONER_ERP` is `tryton` (the default) or a block."""
    outside = current()
    if outside.erp is None:
        outside.erp = _erp()
    return outside.erp


def desk() -> Desk:
    """Open the place where people are asked: `ALMONER_DESK` is `slack` (the default) or a block."""
    outside = current()
    if outside.desk is None:
        outside.desk = _desk()
    return outside.desk


def channel() -> str:
    """Name the channel in which approvals are asked for."""
    return current().channel


def audit_channel() -> str:
    """Name the channel in which the ledger's fingerprint is told: `ALMONER_AUDIT_CHANNEL`."""
    return os.environ.get("ALMONER_AUDIT_CHANNEL", "finance-audit")


def current() -> Outside:
    """Return what is bound in this context, else what this event loop talks to."""
    if outside := _bound.get():
        return outside
    loop = asyncio.get_running_loop()
    if loop not in _by_loop:
        _by_loop[loop] = opened(loop)
    return _by_loop[loop]


def opened(loop: asyncio.AbstractEventLoop) -> Outside:
    """Open the ledger for one event loop, with its log of heads, which is written to the end when the loop ends."""
    store = _store()
    heads = HeadsLog(store)
    ledger = Ledger(store, observers=[heads], vault=Vault(_vault_keys))
    room = os.environ.get("ALMONER_SLACK_CHANNEL", "approvals")
    outside = Outside(ledger, Shelf(ledger), channel=room)
    outside.keeping = loop.create_task(_keep(outside, heads), name="log of heads")
    return outside


async def _keep(outside: Outside, heads: HeadsLog) -> None:
    """Keep the log of heads until the loop ends, then close what was opened."""
    try:
        await heads.run(lambda: datetime.now(UTC))
    finally:
        for opened_one in (outside.erp, outside.desk):
            if close := getattr(opened_one, "aclose", None):
                await close()


def bucket() -> "LockedBucket | None":
    """Open the bucket that the ledger is kept in, with its versions, locks and holds; None where it is a folder."""
    from blocks.retention import LockedBucket

    return LockedBucket.of(ledger().store)


def witness_bucket() -> "LockedBucket | None":
    """Open the bucket that the witness's own store is kept in; None where there is no witness, or it is a folder."""
    from blocks.retention import LockedBucket

    return LockedBucket.of(witness_store()) if os.environ.get("ALMONER_WITNESS_STORE") else None


def log() -> "Log | None":
    """Open the Merkle log to be read: `ALMONER_LOG_FIRST_KEY` is its first public key. None where that is not set."""
    from blocks.sealing.log import Log
    from blocks.wire.signed_note import PublicKey

    first = os.environ.get("ALMONER_LOG_FIRST_KEY")
    return Log(ledger().store, PublicKey.parse(first)) if first else None


def witness_store() -> Store:
    """Open the witness's own store: `ALMONER_WITNESS_STORE`."""
    return store_at(_need("ALMONER_WITNESS_STORE"))


def witnessed() -> "Witnessed | None":
    """Open what the witness says: believed by `ALMONER_WITNESS_PUBLIC_KEY`. None where there is no witness."""
    from blocks.sealing.witness import Witnessed
    from blocks.wire.signed_note import PublicKey

    public = os.environ.get("ALMONER_WITNESS_PUBLIC_KEY")
    return Witnessed(witness_store(), PublicKey.parse(public)) if public else None


def authority() -> "Authority | None":
    """Open the time-stamp authority: `ALMONER_TSA_URL`, believed by `ALMONER_TSA_ROOTS`. None where none is set."""
    from blocks.sealing.tsa import Authority

    url = os.environ.get("ALMONER_TSA_URL")
    if url and not url.startswith(("https://", "http://")):
        raise SettingError(f"ALMONER_TSA_URL is no address: {url[:40]!r}; it begins with https://")
    return Authority(url, tsa_roots()) if url else None


def tsa_roots() -> "Roots | None":
    """Read whom one believes what time it was: `ALMONER_TSA_ROOTS` is a file of certificates (PEM), or not set."""
    from blocks.sealing.tsa import Roots

    file = os.environ.get("ALMONER_TSA_ROOTS")
    if not file:
        return None
    try:
        return Roots.read(Path(file).read_bytes())
    except OSError as error:
        raise SettingError(f"ALMONER_TSA_ROOTS: {file} cannot be read ({error.strerror})") from error


def secret_key(variable: str) -> "SecretKey":
    """Read a key that signs, from the variable or from the file that `<variable>_FILE` names."""
    from blocks.wire.signed_note import SecretKey

    if file := os.environ.get(f"{variable}_FILE"):
        return SecretKey.parse(Path(file).read_text())
    return SecretKey.parse(_need(variable))


def _store() -> Store:
    if block := _block("ALMONER_STORE"):
        return cast("Store", block)
    return store_at(_need("ALMONER_STORE"))


def store_at(address: str) -> Store:
    """Open the store at an address: `s3://bucket/prefix` or a folder."""
    from blocks.store import FolderStore, S3Store

    if not address.startswith("s3://"):
        return FolderStore(Path(address))
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    endpoint = os.environ.get("ALMONER_S3_URL")
    return S3Store(bucket, prefix=prefix, endpoint=endpoint)


def _vault_keys() -> tuple[KeyStore, bytes]:
    """Say where the keys of the vault lie, `ALMONER_VAULT`, and give its master key, or the file it is in."""
    from blocks.store import FolderStore, KeyBucket

    address, file = _need("ALMONER_VAULT"), os.environ.get("ALMONER_VAULT_KEY_FILE")
    key = master_key(Path(file).read_text() if file else _need("ALMONER_VAULT_KEY"))
    if not address.startswith("s3://"):
        return FolderStore(Path(address)), key
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    return KeyBucket(bucket, prefix=prefix, endpoint=os.environ.get("ALMONER_S3_URL")), key


def _erp() -> Erp:
    if block := _block("ALMONER_ERP"):
        return cast("Erp", block)
    from blocks.tryton.erp import TrytonErp

    return TrytonErp(
        url=_need("ALMONER_ERP_URL"),
        database=os.environ.get("ALMONER_ERP_DATABASE", "erp"),
        key=_need("ALMONER_ERP_KEY"),
    )


def _desk() -> Desk:
    if block := _block("ALMONER_DESK"):
        return cast("Desk", block)
    from blocks.slack import SlackDesk

    url = os.environ.get("ALMONER_SLACK_URL", "https://slack.com/api/")
    return SlackDesk(_need("SLACK_BOT_TOKEN"), url=url)


def _block(variable: str) -> object | None:
    """Load the Prefect block that a role's variable names, if it names one."""
    address = os.environ.get(variable, "")
    if not address.startswith("block:"):
        return None
    shells = importlib.import_module("blocks.shells")  # by name: doors that use no block never load Prefect
    return cast("object", shells.opened(address.removeprefix("block:")))


def _need(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        message = f"{variable} is not set: `almoner up` sets it for what it starts; `almoner env` prints it"
        raise SettingError(message)
    return value


class SettingError(RuntimeError):
    """The environment lacks an address or a secret; the text names the variable."""
