"""Proof of decisions: one check, for the decision function, for the process that reads it, and for an auditor."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import ValidationError

from blocks.errors import NotFoundError
from blocks.keyring import PASSKEYS, passkeys_of
from blocks.ledger import Chain, Ledger, TamperedError
from blocks.records.approval import Ask, Decision
from blocks.records.ledger import Line
from blocks.records.passkeys import Confirmation, Passkeys, Proof
from blocks.records.policy import Policy
from blocks.rulebook import POLICY


def reason_unproven(ask: Ask, decision: Decision, enrolled: Passkeys) -> str | None:
    """Say why a decision that takes a passkey is not proven, or None where it is, or takes none.

    A no takes none: it spends nothing, and must never be harder to say than a yes.
    """
    if decision.proof is None:
        return "Approving this takes your passkey." if ask.passkey and decision.verdict == "approve" else None
    if not _says(decision.proof.request, ask, decision):
        return "What was confirmed is not what was decided. Please press Approve on the card again."
    return _reason_unsigned(decision.proof, decision.by, decision.at, enrolled)


def reason_policy_unproven(
    version: str, approver: str, at: datetime, proof: Proof | None, enrolled: Passkeys
) -> str | None:
    """Say why the approval of a policy that takes a passkey is not proven, or None where it is."""
    if proof is None:
        return "Approving a policy takes your passkey."
    request = proof.request
    if (request.case, request.ask, request.shown, request.by) != (POLICY, version, version, approver):
        return "What was confirmed is not what was approved. Please approve it again."
    return _reason_unsigned(proof, approver, at, enrolled)


def _reason_unsigned(proof: Proof, by: str, at: datetime, enrolled: Passkeys) -> str | None:
    if at > proof.request.until:
        return "This took too long. Please press Approve again."
    key = enrolled.find(proof.credential)
    if key is None or key.person != by:
        return "This passkey is not enrolled for you. Please use one of yours, or ask your administrator for a link."
    from blocks.passkeys import NotProvenError, assert_signed  # only who is shown a proof pays for loading it

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


class Prover:
    """Checks decisions long after they were taken, with what the ledger holds and nothing else."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._policies: dict[str, Policy | None] = {}
        self._books: dict[str, Chain] = {}

    async def unproven(self, lines: Iterable[tuple[int, Line]]) -> list[tuple[int, str]]:
        """Say which of a case's decisions, each with its entry, takes a passkey and is not proven, and why not."""
        asks: dict[str, Ask] = {}
        found = []
        for seq, line in lines:
            try:
                if line.act == "asked" and "ask" in line.body:
                    asks[line.key] = await self._as_policy_asks(Ask.model_validate(line.body["ask"]))
                if line.act == "decided" and line.key in asks:
                    decision = Decision.model_validate(line.body["decision"])
                    keys = await self._enrolled(decision.passkeys) if decision.proof else Passkeys()
                    if reason := reason_unproven(asks[line.key], decision, keys):
                        found.append((seq, f"{decision.name} on {line.key}: {reason}"))
            except (ValidationError, LookupError, TamperedError):
                found.append(
                    (seq, f"what is {line.act} as {line.key}, or the book that would prove it, cannot be read")
                )
        return found

    async def policies_unproven(self, lines: Iterable[tuple[int, Line]]) -> list[tuple[int, str]]:
        """Say which policies were put in force without the passkey that the policy before them asks for."""
        before: Policy | None = None
        found = []
        for seq, line in (x for x in lines if x[1].act == "adopted"):
            try:
                version, body = str(line.body["object"]), line.body
                proof = Proof.model_validate(body["proof"]) if body.get("proof") else None
                keys = await self._enrolled(body["passkeys"]) if proof else Passkeys()
                reason = reason_policy_unproven(version, body.get("approver", ""), line.at, proof, keys)
                if reason and before and before.step_up_from is not None:
                    found.append((seq, f"{line.actor} on policy {version[:12]}: {reason}"))
                before = Policy.model_validate_json(await self._ledger.fetch(version))
            except (ValidationError, LookupError, TamperedError, NotFoundError):
                found.append((seq, "the policy put in force here, or the book that would prove it, cannot be read"))
        return found

    async def _enrolled(self, seq: int) -> Passkeys:
        return passkeys_of(await self._book(PASSKEYS, seq), seq)

    async def _as_policy_asks(self, ask: Ask) -> Ask:
        """Ask for a passkey where policy does, whatever was written of it, and where no such policy was in force."""
        if ask.policy not in self._policies:
            self._policies[ask.policy] = await self._policy(ask.policy)
        policy = self._policies[ask.policy]
        return ask.model_copy(update={"passkey": ask.passkey or policy is None or policy.steps_up(ask.counted.amount)})

    async def _policy(self, version: str) -> Policy | None:
        """Read a policy that was put in force, or None where there is no such."""
        adopted = (await self._book(POLICY)).having("adopted")
        if all(line.body["object"] != version for line in adopted):
            return None
        try:
            return Policy.model_validate_json(await self._ledger.fetch(version))
        except NotFoundError:
            return None

    async def _book(self, name: str, at_least: int = 0) -> Chain:
        if name not in self._books or self._books[name].seq < at_least:
            self._books[name] = await self._ledger.read(name)
        return self._books[name]
