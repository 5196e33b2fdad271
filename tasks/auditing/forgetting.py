"""Forgetting: a subject's key is destroyed, so that nobody can read what it sealed; the ledger says who, and why.

Two lines in the vault's book: one before, so that no key is destroyed that nobody answers for, and one after. The
book, like everything in the ledger, names the subject by its keyed digest. Knows no Prefect.

A hold may come between. It is looked for again once the first line stands, and whoever puts one on looks for that line
once the hold stands: so one of the two always sees the other.
"""

from blocks.books import VAULT
from blocks.errors import NotFoundError, RefusedError
from blocks.ledger import Ledger
from blocks.records.ledger import Line
from blocks.records.policy import Policy
from blocks.vault import Vault
from tasks.auditing.grounds import Grounds
from tasks.auditing.holding import hold_on
from tasks.rules.privacy import reason_not_to_open


async def forget(subject: str, grounds: Grounds, *, ledger: Ledger, policy: Policy) -> str:
    """Destroy a subject's key for good, and return the name under which the ledger knows it.

    `RefusedError` names the field and the reason where it is not done, `NotFoundError` where there is nothing.
    One that died between the two lines is finished by the next try; to forget twice changes nothing.
    """
    vault = _vault(ledger)
    if reason := reason_not_to_open(grounds.by, grounds.because, policy):
        raise RefusedError("vault", reason)
    if not await vault.knows(subject):
        raise NotFoundError(f"nothing was ever sealed for {subject}: is it spelled as the sender does?")
    name = vault.name(subject)
    await _assert_not_held(name, ledger)
    await _once(ledger, grounds.line("forgets", name))
    await _assert_not_held(name, ledger)
    await vault.shred(name)
    await _once(ledger, grounds.line("forgot", name))
    return name


async def read_sealed(place: str, grounds: Grounds, *, ledger: Ledger, policy: Policy) -> bytes:
    """Read one raw message, of which the ledger says who did, and why, before it is shown.

    `RefusedError` names the field and the reason where it is not shown; `NotFoundError`, `ForgottenError`.
    """
    if reason := reason_not_to_open(grounds.by, grounds.because, policy):
        raise RefusedError("vault", reason)
    if not place.startswith(("inbox/", "quarantine/")):
        raise RefusedError("vault", "place: sealed messages lie under inbox/ and quarantine/")
    data = await ledger.read_raw(place)
    opened = grounds.line("opened", place)
    await ledger.enter(VAULT, lambda _: opened)
    return data


def _vault(ledger: Ledger) -> Vault:
    if ledger.vault is None:
        raise NotFoundError("this ledger has no vault")
    return ledger.vault


async def _assert_not_held(name: str, ledger: Ledger) -> None:
    if hold := await hold_on(name, ledger):
        raise RefusedError("vault", f"subject: {hold.words}; nothing of it is forgotten until that is lifted")


async def _once(ledger: Ledger, line: Line) -> None:
    """Enter a line unless the book has it: a subject is forgotten once."""
    await ledger.enter(VAULT, lambda chain: None if chain.last(line.act, line.key) else line)
