"""Proof of enrolments: on whose word each passkey was enrolled; the first ones, on nobody's, are listed."""

from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from blocks.errors import NotFoundError
from blocks.history import History
from blocks.ledger import TamperedError
from blocks.proofs.acts import Deed, reason_not_signed
from blocks.proofs.keyring import INVITE, PASSKEYS
from blocks.records.ledger import Line
from blocks.records.passkeys import Invitation, Passkey, Proof
from blocks.wire.canonical import canonical, digest

FIRST = "trusted on first use"


class Enrolments(NamedTuple):
    """Which enrolments rest on nobody's word and should not, each with its entry; and which rest on first use."""

    unproven: list[tuple[int, str]]
    first: list[str]


async def check_enrolments(lines: list[tuple[int, Line]], past: History) -> Enrolments:
    """Check every enrolment of the book of passkeys, in the order in which they were made."""
    found, first = [], []
    invited: dict[str, Line] = {}
    ever: set[str] = set()
    vouching: set[str] = set()
    owners: dict[str, str] = {}
    for seq, line in lines:
        if line.act == "withdrawn" and (reason := await _reason_not_withdrawn(line, owners.get(line.key), past)):
            found.append((seq, f"{line.actor} withdrew {line.key[:16]}: {reason}"))
        if line.act == "invited":
            invited[line.key] = line
        if line.act != "enrolled":
            continue
        try:
            key = Passkey.model_validate(line.body["passkey"])
            vouching |= ever & await _vouchers(line.at, past)
            reason = await _reason(key, invited.get(str(line.body.get("invitation"))), vouching, past)
            ever.add(key.person)
            owners[key.credential] = key.person
        except (ValidationError, LookupError, TamperedError, NotFoundError):
            found.append((seq, "an enrolment, or what would prove it, cannot be read"))
            continue
        if reason == FIRST:
            first.append(f"{key.person} {key.credential[:16]}, enrolled {key.at:%Y-%m-%d %H:%M} UTC: on first use")
        elif reason:
            found.append((seq, f"{key.person} enrolled {key.credential[:16]}: {reason}"))
    return Enrolments(found, first)


async def _reason(key: Passkey, line: Line | None, vouching: set[str], past: History) -> str | None:
    """Say why an enrolment rests on nobody's word, `FIRST` where it need not yet, None where somebody vouched."""
    if line is None:
        return "nobody was invited"
    invitation = Invitation.model_validate(line.body["invitation"])
    if invitation.person != key.person:
        return f"it was {invitation.person} who was invited"
    if not line.body.get("proof"):
        if why := line.body.get("recovery"):
            return f"nobody vouched for it, to recover: {why}"
        return "somebody who vouches was enrolled by then, and signed no invitation" if vouching else FIRST
    by = invitation.by.removeprefix("person:")
    if by != key.person and by not in await _vouchers(line.at, past):
        return f"{by} does not vouch for others"
    keys = await past.enrolled(line.body["passkeys"])
    deed = Deed(PASSKEYS, invitation.token, digest(canonical(invitation)), INVITE, by, line.at)
    return reason_not_signed(deed, Proof.model_validate(line.body["proof"]), keys)


async def _reason_not_withdrawn(line: Line, owner: str | None, past: History) -> str | None:
    """Say on whose word a passkey should not have been withdrawn, or None: its owner's, or of somebody who vouches."""
    if why := line.body.get("recovery"):
        return f"nobody vouched for it, to recover: {why}"
    by = line.actor.removeprefix("person:")
    fit = line.actor.startswith("person:") and (by == owner or by in await _vouchers(line.at, past))
    return None if fit else "it is not theirs, and they do not vouch for others"


async def _vouchers(at: datetime, past: History) -> set[str]:
    """Name who vouches for people at a moment: nobody, where there was no policy yet."""
    policy, directory = await past.policy(at), await past.directory(at)
    return {who.id for who in directory.holding(policy.vouchers)} if policy and directory else set()


def on_first_use(key: Passkey, lines: tuple[Line, ...]) -> bool:
    """Say whether a passkey was enrolled on nobody's word."""
    enrolled = next(x for x in lines if x.act == "enrolled" and x.key == key.credential)
    token = str(enrolled.body.get("invitation"))
    return not any(x.act == "invited" and x.key == token and x.body.get("proof") for x in lines)
