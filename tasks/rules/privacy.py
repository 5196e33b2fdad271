"""Privacy: who may have a subject forgotten, and who may open what the vault has sealed."""

from blocks.records.people import Person
from blocks.records.policy import Policy
from blocks.wire.patients import reason_to_leave_out


def reason_not_to_open(by: Person | None, because: str, policy: Policy) -> str | None:
    """Say why somebody may not read what is sealed, nor have it destroyed, or None where they may.

    The reason they give stays in the ledger, so it must name nobody itself.
    """
    roles = {grant.role for grant in by.grants} if by and by.active else set()
    if not roles & set(policy.vault_keepers):
        return f"as: the vault is opened and emptied by a {' or '.join(policy.vault_keepers)} alone"
    if not because.strip():
        return "why: please say why: the ledger keeps it"
    why = reason_to_leave_out(because)
    return f"why: it {why}" if why else None
