"""Judging the morning: what came of it against the scenario, the ERP's own books, and the ledger."""

from collections.abc import Iterable

from blocks import connect
from blocks.audit.verdict import Verdict
from blocks.records.approval import Ask
from blocks.wire.names import effect_key
from infrastructure.local.demo.playing import Ended
from infrastructure.local.demo.stage import Stage
from tasks.decide import decisions_of

BOUGHT = {"filled": "issue", "ordered": "order"}


async def differences(stage: Stage, ended: Iterable[Ended], verdict: Verdict) -> list[str]:
    """List everything that is not as the scenario says; empty where all is well."""
    found = [f"ledger: {x.where} was {x.fault}: {x.because}" for x in verdict.findings]
    for one in ended:
        told = [*_against_scenario(one), *await _against_erp(one), *await _requester_not_told(stage, one)]
        found += [f"{one.part.name} ({one.case}): {what}" for what in told]
    return found


def _against_scenario(one: Ended) -> Iterable[str]:
    wanted = one.part.expected
    if one.outcome != wanted.outcome:
        yield f"ended {one.outcome} ({one.because}), not {wanted.outcome}"
    elif wanted.because not in one.because:
        yield f"the reason is {one.because!r}, without {wanted.because!r}"
    if one.approvals != one.part.approvals:
        yield f"decided by {one.approvals or 'nobody'}, not by {one.part.approvals or 'nobody'}"
    signed = [decision.proof is not None for decision in decisions_of(one.chain)]
    if signed != [act.passkey for act in one.part.acts if act.does != "ask"]:
        yield f"signed with a passkey: {signed}, which is not what the scenario says"
    asks = [Ask.model_validate(line.body["ask"]) for line in one.chain.having("asked")]
    if wanted.asked and not any(wanted.asked in ask.why for ask in asks):
        yield f"no card says {wanted.asked!r}"
    questions = sum(act.does == "ask" for act in one.part.acts)
    if (len(one.chain.having("question")), len(one.chain.having("answer"))) != (questions, questions):
        yield f"{questions} questions should be asked and answered in the ledger"


async def _against_erp(one: Ended) -> list[str]:
    """Ask the ERP itself: one document under the key where something was bought, none anywhere else."""
    erp = connect.erp()
    order = await erp.find_order(effect_key(one.case, "order"))
    issue = await erp.find_issue(effect_key(one.case, "issue"))
    numbers = {kind: document.number for kind, document in (("order", order), ("issue", issue)) if document}
    kind = BOUGHT.get(one.outcome)
    wanted = {kind: one.document} if kind else {}
    return [] if numbers == wanted else [f"the ERP holds {numbers or 'nothing'}, not {wanted or 'nothing'}"]


async def _requester_not_told(stage: Stage, one: Ended) -> list[str]:
    if not one.chain.last("ended"):
        return []
    wanted = f"*{one.case}* {one.outcome}"
    told = [seen for seen in await stage.slack(one.part.requester).direct_messages() if seen.holds(wanted)]
    return [] if told else [f"{one.part.requester} was not told"]
