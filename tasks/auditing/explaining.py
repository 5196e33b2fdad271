"""Explaining a case of the ledger, or a request that nobody has handed in yet. Knows no Prefect."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from blocks.errors import NotFoundError
from blocks.ledger import Chain, Ledger
from blocks.ports import Erp
from blocks.records.approval import Ask, Decision
from blocks.records.money import Money
from blocks.records.outcome import Facts
from blocks.records.policy import Policy, Rulebook
from blocks.records.purchasing import Budget, Category, Requisition, Sourcing
from blocks.rulebook import Shelf
from tasks.auditing.past_cases import Asked, PastCase, SkippedError, past_case
from tasks.decide import decisions_of
from tasks.rules.asking import Approval, NobodyMayError, approvals_needed
from tasks.rules.clock import times_of, watched
from tasks.rules.explain import Explanation, step_of
from tasks.rules.standing import above_of


class Supposed(NamedTuple):
    """Facts that somebody supposes, each instead of what the ERP says; None: as the ERP says."""

    category: Category | None = None
    amount: Decimal | None = None
    contract: bool | None = None
    budget: Decimal | None = None
    budget_left: Decimal | None = None
    recent: Decimal | None = None

    @property
    def is_enough(self) -> bool:
        """Whether the ERP need not be asked."""
        return self.category is not None and self.amount is not None


async def facts_for(request: Requisition, supposed: Supposed, erp: Erp | None, on: date) -> Facts:
    """Look a request's facts up, as far as they are not supposed; None of an ERP: all are."""
    known = await erp.sourcing(request, request.charge_on or on) if erp else _plain(request, supposed, on)
    left = known.budget.budget - known.budget.posted
    for order in known.budget.ordered:
        left -= order.open
    changed: dict[str, object] = {"category": supposed.category} if supposed.category else {}
    if supposed.amount is not None:
        changed["unit_price"] = Money(amount=supposed.amount / request.quantity, currency=request.currency)
        changed["on_hand"] = Decimal(0)
    if supposed.contract is not None:
        changed["contract"] = (known.contract or "supposed") if supposed.contract else None
    if supposed.budget is not None:
        whole = Money(amount=supposed.budget, currency=request.currency)
        changed["budget"] = known.budget.model_copy(update={"budget": whole})
    if supposed.budget_left is not None:
        left = Money(amount=supposed.budget_left, currency=request.currency)
    recent = Money(amount=supposed.recent, currency=request.currency) if supposed.recent else None
    return Facts(sourcing=known.model_copy(update=changed), left=left, funds_seq=0, recent=recent)


def _plain(request: Requisition, supposed: Supposed, on: date) -> Sourcing:
    """Make up what nobody supposed otherwise: a supplier, a contract, nothing on the shelf, and money enough."""
    amount, nothing = supposed.amount or Decimal(0), Money.of(0, request.currency)
    whole = supposed.budget or supposed.budget_left or 100 * amount
    budget = Budget(
        cost_centre=request.cost_centre,
        year=on.year,
        budget=Money(amount=whole, currency=request.currency),
        posted=nothing,
    )
    return Sourcing(
        item=request.item,
        description=request.item,
        category=supposed.category or "supplies",
        unit="",
        on_hand=Decimal(0),
        supplier="supposed",
        supplier_name="the supplier",
        contract="supposed",
        unit_price=nothing,
        budget=budget,
        period_open=True,
    )


async def explain_case(case: str, *, ledger: Ledger, shelf: Shelf, at: datetime) -> Explanation:
    """Tell of each ask of a case who could decide it when it was decided, or can now; and who would be asked next."""
    chain = await ledger.read(case)
    if not chain.seq:
        raise NotFoundError(f"the ledger has no case {case}")
    try:
        past = past_case(chain)
    except SkippedError as reason:
        raise NotFoundError(f"{case} cannot be explained: {reason}") from reason
    return await explained(chain, past, shelf=shelf, at=at)


async def explained(chain: Chain, past: PastCase, *, shelf: Shelf, at: datetime) -> Explanation:
    """Tell it of a case that was read; its first steps are what was asked, in order."""
    now = await shelf.in_force(at)
    policy = await shelf.policy(past.pinned["policy"]) if past.pinned else now.policy
    decided = list(decisions_of(chain))
    steps = []
    for one in past.asked:
        rulebook = await _judged_by(one.decision, shelf, now)
        moment = one.decision.at if one.decision else at
        earlier = tuple(decided[: decided.index(one.decision)] if one.decision else decided)
        step = step_of(one.ask, earlier, rulebook, moment, above=above_of(chain.lines, one.ask.key))
        steps.append(step.model_copy(update=_when(one, chain, policy, rulebook.directory.zone)))
    refused = ""
    if not past.ended:
        try:
            asks = still_to_ask(past, now.model_copy(update={"policy": policy}))
            steps += [step_of(ask, tuple(decided), now, at) for ask in asks]
        except NobodyMayError as gap:
            refused = str(gap)
    last = past.asked[-1].ask if past.asked else None
    amounts = {"amount": last.amount, "counted": last.counted} if last else {}
    return Explanation(
        case=past.case, request=past.request, steps=tuple(steps), refused=refused, ended=past.because, **amounts
    )


def still_to_ask(past: PastCase, rulebook: Rulebook) -> Sequence[Ask]:
    """List whom a case that waits has not asked yet, as its last look stands."""
    if not past.asked:
        return ()
    approved = [Approval.of(one.ask, one.decision, one.added) for one in past.asked if one.decision]
    facts, look = past.looks[-1].facts, len(past.looks)
    stages = approvals_needed(past.case, past.request, facts, rulebook, look, approved)
    known = {one.ask.key for one in past.asked}
    return tuple(ask for stage in stages for ask in stage.asks if ask.key not in known)


async def _judged_by(decision: Decision | None, shelf: Shelf, now: Rulebook) -> Rulebook:
    if decision is None:
        return now
    directory, duties = await shelf.directory(decision.directory), await shelf.duties(decision.duties)
    return now.model_copy(update={"directory": directory, "duties": duties})


def _when(one: Asked, chain: Chain, policy: Policy, zone: str) -> dict[str, object]:
    told: dict[str, object] = {"asked": one.at, "state": one.decision.verdict if one.decision else "asked"}
    if one.decision:
        behalf = f" for {one.decision.on_behalf_of}" if one.decision.on_behalf_of else ""
        told["decided"] = f"{one.decision.done} by {one.decision.name}{behalf}, {one.decision.at:%d %b %H:%M} UTC"
    elif policy.clock:
        told["due"] = times_of(watched(chain.lines, one.ask.key), policy.clock, zone).due
    return told
