"""Asking: whom policy wants a requisition approved by, or still wants, step by step; and what they are shown."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from blocks.records.approval import Added, Ask, Decision
from blocks.records.money import Money
from blocks.records.outcome import Facts
from blocks.records.policy import Policy, Rulebook
from blocks.records.purchasing import Requisition, Sourcing
from blocks.records.routes import Band
from tasks.rules.plan import LOW_BUDGET, OFF_CONTRACT, TIER, Planned, Seat, Situation, planned, short_of, who_sits
from tasks.rules.requisition import amount_of


class Approval(NamedTuple):
    """What somebody answered, to what, and whom they, or others who might have, added meanwhile."""

    ask: Ask
    by: str
    added: tuple[Added, ...] = ()
    agreed: bool = True
    """False: they did not approve, but enough others of their step did."""

    @classmethod
    def of(cls, ask: Ask, decision: Decision, added: tuple[Added, ...] = ()) -> "Approval":
        """Read what a decision agrees to: no more than they approved."""
        quantity = decision.quantity or ask.quantity
        amount = ask.unit_price * quantity
        counted = ask.counted - (ask.amount - amount)
        changed = {"quantity": quantity, "amount": amount, "counted": counted}
        return cls(ask.model_copy(update=changed), decision.by, added, decision.verdict == "approve")

    @property
    def seat(self) -> Seat:
        """Which seat was filled."""
        return Seat(self.ask.role, self.ask.place, self.ask.within_limit)


class Stage(NamedTuple):
    """Asks that are put to people at the same time, and how many approvals of them are enough."""

    asks: tuple[Ask, ...]
    enough: int = 1


def as_agreed(request: Requisition, answers: Sequence[Approval]) -> Requisition:
    """Change a request to what is left of it: as many as each of those who approved let pass."""
    many = [one.ask.quantity for one in answers if one.agreed]
    return request.model_copy(update={"quantity": min(many)}) if many else request


def approvals_needed(
    case: str, request: Requisition, facts: Facts, rulebook: Rulebook, look: int, answers: Sequence[Approval] = ()
) -> tuple[Stage, ...]:
    """List whom to ask, or still to ask, step by step; *look* numbers the look at the facts.

    What was approved holds while nothing has changed that its approver weighs; where fewer were approved, the rest are
    asked about as many. Those whom an approver added come after all whom policy names, so that to add somebody keeps
    nobody from a seat; who approved in a seat is not asked again as added.
    The amount that counts is this one and what the requester ordered from the same supplier within
    policy's window, so that a split order needs what the whole would have needed.
    Raises `NobodyMayError` where not every seat can be filled, each by a person of its own.
    """
    asked_for, request = request.quantity, as_agreed(request, answers)
    amount = amount_of(request, facts.sourcing)
    counted = amount + facts.recent if facts.recent else amount
    on = situation(request, facts, counted, rulebook.policy)
    standing = [one for one in answers if one.agreed and _holds(one, facts.sourcing, on, rulebook)]
    plan = _left(planned(rulebook.policy, on, rulebook.directory), standing)
    _assert_fillable(plan, on, rulebook, answers)
    order = f"then the order goes to {facts.sourcing.supplier_name}"
    thens = [*(f"then {_said(step)}" for step in plan[1:]), order]
    needs = [
        _Need(_seats_of(step, look), step.enough, _why(step, on, facts, amount, rulebook.policy), then)
        for step, then in zip(plan, thens, strict=False)
    ]
    needs += [
        _Need({f"{look}-added-{one.person}": Seat(one.role)}, 1, f"{one.by} added you", order, one)
        for one in dict.fromkeys(one for answer in answers for one in answer.added)
        if not any(_given_by(one, approval) for approval in standing)
    ]
    shown = _shown(case, request, facts, rulebook, amount, counted)
    shown["asked_for"] = asked_for if asked_for > request.quantity else None
    return tuple(_stage(shown, need) for need in needs)


def situation(request: Requisition, facts: Facts, counted: Money, policy: Policy) -> Situation:
    """Say what policy looks at."""
    sourcing, amount = facts.sourcing, amount_of(request, facts.sourcing)
    after = facts.left - amount
    return Situation(
        category=sourcing.category,
        cost_centre=request.cost_centre,
        requester=request.requester,
        counted=counted,
        off_contract=sourcing.contract is None,
        low_budget=after.amount < sourcing.budget.budget.amount * policy.low_budget_share,
        emergency=request.emergency,
    )


class NobodyMayError(Exception):
    """Too few people for the seats: a mistake in directory or policy, never leave for anyone, nor to wait for ever."""

    def __init__(self, seats: Sequence[Seat], people: Iterable[str], where: str) -> None:
        named, only = " and ".join(seat.key for seat in seats), " and ".join(sorted(people))
        super().__init__(
            f"only {only} may decide as {named} for {where}, and nobody decides one case in two roles: "
            "the directory must name somebody else"
            if only
            else f"nobody active holds {named} for {where}: the directory must name somebody"
        )


class _Need(NamedTuple):
    seats: dict[str, Seat]
    enough: int
    why: str
    after: str
    added: Added | None = None


def _left(plan: tuple[Planned, ...], standing: Collection[Approval]) -> tuple[Planned, ...]:
    """Take out of a plan what has been approved: each seat, and each step of which enough were."""
    held = {(one.ask.role, one.ask.place) for one in standing if not one.ask.added}
    rest = []
    for step in plan:
        seats = tuple(seat for seat in step.seats if (seat.capacity, seat.place) not in held)
        enough = step.enough - (len(step.seats) - len(seats))
        if enough > 0:
            rest.append(Planned(seats, enough, step.source))
    return tuple(rest)


def _assert_fillable(
    plan: tuple[Planned, ...], on: Situation, rulebook: Rulebook, answers: Collection[Approval]
) -> None:
    """Raise `NobodyMayError` where the seats cannot be filled, each by a person who fills no other."""
    bound = {one.by: (one.ask.role, one.ask.place) for one in answers if not one.ask.added}
    people = {
        seat: who_sits(rulebook.directory, seat, on.cost_centre, on.counted, on.requester)
        for step in plan
        for seat in step.seats
    }
    free = {
        seat: frozenset(x.id for x in who if bound.get(x.id, place := (seat.capacity, seat.place)) == place)
        for seat, who in people.items()
    }
    if short := short_of(plan, free):
        named = {one.name for seat in short for one in people[seat]}
        raise NobodyMayError(short, named, f"{on.cost_centre} up to {on.counted}")


def _shown(
    case: str, request: Requisition, facts: Facts, rulebook: Rulebook, amount: Money, counted: Money
) -> dict[str, Any]:
    """Draw up what everybody is shown, whoever is asked: the fields that all asks of a look share."""
    sourcing, asker = facts.sourcing, rulebook.directory.person(request.requester)
    return {
        "case": case,
        "requester": request.requester,
        "requester_name": asker.name if asker else request.requester,
        "cost_centre": request.cost_centre,
        "category": sourcing.category,
        "item": request.item,
        "description": sourcing.description,
        "quantity": request.quantity,
        "unit": sourcing.unit,
        "unit_price": sourcing.unit_price or Money.of(0, request.currency),
        "amount": amount,
        "counted": counted,
        "supplier": sourcing.supplier or "",
        "supplier_name": sourcing.supplier_name,
        "contract": sourcing.contract,
        "budget": sourcing.budget.budget,
        "budget_left": facts.left,
        "needed_by": request.needed_by.isoformat() if request.needed_by else "",
        "reason": request.reason,
        "policy": rulebook.policy_version,
        "passkey": rulebook.policy.steps_up(counted.amount),
        "emergency": request.emergency,
    }


def _stage(shown: dict[str, Any], need: _Need) -> Stage:
    beside = tuple(need.seats) if len(need.seats) > 1 else ()
    asks = (
        Ask(
            **shown,
            key=key,
            role=seat.capacity,
            place=seat.place,
            within_limit=seat.within_limit,
            why=need.why,
            after=need.after,
            added=need.added,
            beside=beside,
            enough=need.enough,
        )
        for key, seat in need.seats.items()
    )
    return Stage(tuple(asks), need.enough)


def _seats_of(step: Planned, look: int) -> dict[str, Seat]:
    return {f"{look}-{seat.key}": seat for seat in step.seats}


def _said(step: Planned) -> str:
    """Say who is asked in a step.

    >>> _said(Planned((Seat("finance-director"),), 1, "tier"))
    'the finance director is asked'
    >>> _said(Planned((Seat("finance-director"), Seat("procurement-lead")), 2, "tier"))
    'the finance director and the procurement lead are asked'
    """
    named = [f"the {seat.capacity.replace('-', ' ')}" for seat in step.seats]
    few = f", {step.enough} of whom must approve" if step.enough < len(named) else ""
    return f"{' and '.join(named)} {'is' if len(named) == 1 else 'are'} asked{few}"


def _why(step: Planned, on: Situation, facts: Facts, amount: Money, policy: Policy) -> str:
    if step.source == OFF_CONTRACT:
        return "no contract fixes the price"
    if step.source == LOW_BUDGET:
        return f"only {facts.left - amount} of the budget would be left"
    if step.source != TIER:
        return step.source
    tier = policy.tier(on.category, on.counted.amount, on.cost_centre, emergency=on.emergency)
    band = f"{'emergency, ' * on.emergency}{on.category} {_band(tier.band, policy)}"
    if on.counted == amount:
        return band
    earlier, days = on.counted - amount, policy.split_window_days
    return f"{band}, with {earlier} asked for from {facts.sourcing.supplier_name} in {days} days"


def _band(band: Band, policy: Policy) -> str:
    lower = str(Money.of(band.lower, policy.currency))
    start = "from" if band.lower_included else "over"
    if band.upper is None:
        return f"{start} {lower}"
    end = f"{'up to' if band.upper_included else 'below'} {Money.of(band.upper, policy.currency)}"
    return f"{start} {lower} {end}" if band.lower else end


def _holds(one: Approval, now: Sourcing, on: Situation, rulebook: Rulebook) -> bool:
    """Say whether an approval still holds: what its approver weighs is the same, and they may approve so much."""
    agreed, weighs, price = one.ask, rulebook.policy.weighs(one.ask.role), now.unit_price or one.ask.unit_price
    moved = {
        "supplier": agreed.supplier != now.supplier,
        "contract": agreed.contract != now.contract,
        "unit_price": abs(price.amount - agreed.unit_price.amount) > agreed.unit_price.amount * weighs.tolerance,
        "amount": on.counted.amount > agreed.counted.amount * (1 + weighs.tolerance),
    }
    if any(moved[term] for term in weighs.terms):
        return False
    if not on.counted > agreed.counted or agreed.added:
        return True
    able = who_sits(rulebook.directory, one.seat, on.cost_centre, on.counted, on.requester)
    return one.by in {person.id for person in able}


def _given_by(one: Added, approval: Approval) -> bool:
    answered = approval.ask.added
    return approval.by == one.person or (answered is not None and answered.person == one.person)
