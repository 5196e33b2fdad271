"""Proof by passkey: one check, for who decides or changes something, for the process that reads it, for an auditor."""

from datetime import datetime
from typing import NamedTuple

from blocks.records.approval import Ask, Decision
from blocks.records.passkeys import Confirmation, Passkeys, Proof


def reason_unproven(ask: Ask, decision: Decision, enrolled: Passkeys) -> str | None:
    """Say why a decision that takes a passkey is not proven, or None where it is, or takes none.

    A no takes none: it spends nothing, and must never be harder to say than a yes.
    """
    if decision.proof is None:
        return "Approving this takes your passkey." if ask.passkey and decision.verdict == "approve" else None
    if not _says(decision.proof.request, ask, decision):
        return "What was confirmed is not what was decided. Please press Approve on the card again."
    return _reason_unsigned(decision.proof, decision.by, decision.at, enrolled)


class Deed(NamedTuple):
    """Something done that takes a passkey: in which chain, about what, with which document, what, by whom, when."""

    case: str
    key: str
    shown: str
    verdict: str
    by: str
    at: datetime


def reason_not_signed(deed: Deed, proof: Proof | None, enrolled: Passkeys) -> str | None:
    """Say why something that takes a passkey is not proven, or None where it is."""
    if proof is None:
        return "It takes their passkey, and nothing was signed."
    request = proof.request
    if (request.case, request.ask, request.shown, request.verdict, request.by) != deed[:5]:
        return "What was confirmed is not what was done."
    return _reason_unsigned(proof, deed.by, deed.at, enrolled)


def _reason_unsigned(proof: Proof, by: str, at: datetime, enrolled: Passkeys) -> str | None:
    if at > proof.request.until:
        return "This took too long. Please press Approve again."
    key = enrolled.find(proof.credential)
    if key is None or key.person != by:
        return "This passkey is not enrolled for you. Please use one of yours, or ask your administrator for a link."
    from blocks.proofs.passkeys import NotProvenError, assert_signed  # only who is shown a proof pays for loading it

    try:
        assert_signed(proof, key)
    except NotProvenError as error:
        return f"The passkey's signature does not hold ({error}). Please try again."
    return None


def _says(request: Confirmation, ask: Ask, decision: Decision) -> bool:
    """Say whether a confirmation is of this very decision, word for word."""
    confirmed = (request.case, request.ask, request.shown, request.verdict, request.quantity, request.note, request.by)
    decided = (ask.case, decision.ask, decision.shown, decision.verdict, decision.quantity, decision.note, decision.by)
    return confirmed == decided and decision.ask == ask.key
