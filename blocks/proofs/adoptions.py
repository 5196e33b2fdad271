"""What was put in force, and what of it is proven: a policy by the one before it, a directory by the policy of its day.

Whoever may write to the store can write a line that puts something in force, and link it as it should be. Where policy
asks for a passkey, such a line lacks one, and counts for nobody who reads the books: the doors, the processes, the
audit. What cannot be *read* is another matter: it still counts, so that nothing goes on by an older document because
the newer was taken away.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from blocks.books import DIRECTORY, POLICY
from blocks.errors import NotFoundError
from blocks.ledger import TamperedError
from blocks.proofs.acts import Deed, reason_not_signed
from blocks.records.ledger import Line
from blocks.records.passkeys import Passkeys, Proof
from blocks.records.policy import Policy

Lines = Iterable[tuple[int, Line]]
"""Lines of one chain, each with the number of its entry."""
Enrolled = Callable[[int], Awaitable[Passkeys]]
UNREAD = (ValidationError, LookupError, TamperedError, NotFoundError)


class Judged(NamedTuple):
    """A line that puts something in force: where it stands, why it is not proven, and whether it counts."""

    seq: int
    line: Line
    because: str = ""
    counts: bool = True


def counting(judged: Sequence[Judged]) -> list[Line]:
    """List the lines that count."""
    return [one.line for one in judged if one.counts]


async def judged_policies(
    lines: Lines, read: Callable[[str], Awaitable[Policy]], enrolled: Enrolled
) -> tuple[Judged, ...]:
    """Judge each policy by the one before it that counts: it says whether the next takes a passkey."""
    before: Policy | None = None
    found = list[Judged]()
    for seq, line in (x for x in lines if x[1].act == "adopted"):
        try:
            version = str(line.body["object"])
            strict = before is not None and before.step_up_from is not None
            reason = await _unsigned(POLICY, line, enrolled) if strict else None
            if reason is None:
                before = await read(version)
            found.append(Judged(seq, line, f"{line.actor} on policy {version[:12]}: {reason}", counts=False)
                         if reason else Judged(seq, line))  # fmt: skip
        except UNREAD:
            found.append(_unread(seq, line, "the policy put in force here"))
    return tuple(found)


async def judged_directories(
    lines: Lines, policy_at: Callable[[datetime], Awaitable[Policy | None]], enrolled: Enrolled
) -> tuple[Judged, ...]:
    """Judge each directory by the policy of its day."""
    since: datetime | None = None
    found = list[Judged]()
    for seq, line in lines:
        since = max(since or line.at, line.at)  # nothing is older than what stands before it
        if line.act != "adopted":
            continue
        try:
            policy = await policy_at(since)
            strict = policy is not None and policy.step_up_from is not None
            reason = await _unsigned(DIRECTORY, line, enrolled) if strict else None
            version = line.key or str(line.body["object"])[:12]
            found.append(Judged(seq, line, f"{line.actor} on {version}: {reason}", counts=False)
                         if reason else Judged(seq, line))  # fmt: skip
        except UNREAD:
            found.append(_unread(seq, line, "what is adopted here"))
    return tuple(found)


def _unread(seq: int, line: Line, what: str) -> Judged:
    return Judged(seq, line, f"{what}, or the book that would prove it, cannot be read")


async def _unsigned(book: str, line: Line, enrolled: Enrolled) -> str | None:
    version, body = str(line.body["object"]), line.body
    deed = Deed(book, version, version, "approve", body.get("approver", ""), line.at)
    proof = Proof.model_validate(body["proof"]) if body.get("proof") else None
    return reason_not_signed(deed, proof, await enrolled(body["passkeys"]) if proof else Passkeys())
