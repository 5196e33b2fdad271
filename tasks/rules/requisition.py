"""Requisitions: what policy refuses, and who must agree."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import NamedTuple

from blocks.records.approval import Added, Ask, Decision
from blocks.records.money import Money
from blocks.records.outcome import Facts
from blocks.records.people import Directory, Role
from blocks.records.policy import Band, Policy, Rulebook
from blocks.records.purchasing import IssueDraft, OrderDraft, Requisition, Sourcing
from tasks.rules.authority import too_few_for, who_may
from tasks.rules.funds import reason_short


def can_fill_from_stock(request: Requisition, sourcing: Sourcing) -> bool:
    """Say whether the shelf holds enough."""
    return sourcing.on_hand >= request.quantity


def reason_not_to_charge(request: Requisition, sourcing: Sourcing) -> str | None:
    """Say why nothing may be charged at all, from stock or from a supplier, or None."""
    if not sourcing.period_open:
        day = f" on {request.charge_on}" if request.charge_on else ""
        return f"the books are closed{day}: give a charge_on within an open period"
    if sourcing.budget.budget.currency != request.currency:
        books = sourcing.budget.budget.currency
        return f"{request.cost_centre} keeps its books in {books}, not {request.currency}: ask in {books}"
    return None


def amount_of(request: Requisition, sourcing: Sourcing) -> Money:
    """Price what is asked for: quantity times the supplier's unit price, zero where there is no price."""
    price = sourcing.unit_price or Money.of(0, request.currency)
    return price * request.quantity


def reason_to_refuse(request: Requisition, facts: Facts, policy: Policy) -> str | None:
    """Say why policy refuses *request*, or None where it does not."""
    sourcing = facts.sourcing
    if reason := reason_not_to_charge(request, sourcing):
        return reason
    if sourcing.supplier is None or sourcing.unit_price is None:
        return f"no supplier has a price for {request.item}: ask procurement to set one up"
    if sourcing.unit_price.currency != policy.currency:
        return f"{request.item} is priced in {sourcing.unit_price.currency}, policy is in {policy.currency}"
    amount = amount_of(request, sourcing)
    if amount.amount > policy.amount_max:
        return f"{amount} is beyond what a requisition may be ({policy.amount_max:,.2f}): it needs a project"
    return reason_short(facts, amount)


def reason_not_so_many(ask: Ask, quantity: int | None, policy: Policy) -> str | None:
    """Say why nobody may approve so many, or None: fewer than was asked, where policy lets them, and never more."""
    if quantity is None or quantity == ask.quantity:
        return None
    if not policy.approve_fewer:
        return "Policy lets nobody change how many. Please approve what was asked for, or reject it."
    if quantity < 1:
        return "Please approve one at least; to approve none, reject it."
    if quantity > ask.quantity:
        return f"{ask.quantity:,} were asked for. More than that needs a new request."
    return None


class Approval(NamedTuple):
    """What somebody agreed to, and who; and whom they, or others who might have, added meanwhile."""

    ask: Ask
    by: str
    added: tuple[Added, ...] = ()

    @classmethod
    def of(cls, ask: Ask, decision: Decision, added: tuple[Added, ...] = ()) -> "Approval":
        """Read what an approval agrees to: no more than they approved."""
        quantity = decision.quantity or ask.quantity
        amount = ask.unit_price * quantity
        counted = ask.counted - (ask.amount - amount)
        changed = {"quantity": quantity, "amount": amount, "counted": counted}
        return cls(ask.model_copy(update=changed), decision.by, added)


def as_agreed(request: Requisition, approved: Sequence[Approval]) -> Requisition:
    """Change a request to what is left of it: as many as the last of those who approved let pass."""
    return request.model_copy(update={"quantity": approved[-1].ask.quantity}) if approved else request


def approvals_needed(
    case: str, request: Requisition, facts: Facts, rulebook: Rulebook, look: int, approved: Sequence[Approval] = ()
) -> tuple[Ask, ...]:
    """List whom to ask, or still to ask, in order; *look* numbers the look at the facts.

    What was *approved* in a role holds while supplier, contract and price are the same and no more counts; where
    fewer were approved, the rest are asked about as many. Those whom an approver added come after all whom policy
    names, so that to add somebody keeps nobody from a role; who approved in a role is not asked again as added.
    The amount that counts is this one and what the requester ordered from the same supplier within
    policy's window, so that a split order needs what the whole would have needed.
    Raises `NobodyMayError` where not every role to ask can be filled, each by a person of its own.
    """
    directory, policy, asked_for = rulebook.directory, rulebook.policy, request.quantity
    request = as_agreed(request, approved)
    amount = amount_of(request, facts.sourcing)
    counted = amount + facts.recent if facts.recent else amount
    standing = [one for one in approved if _holds(one.ask, facts.sourcing, counted)]
    held = {one.ask.role for one in standing if not one.ask.added}
    needs = [(role, why) for role, why in _roles(facts, policy, amount, counted) if role not in held]
    names = [role for role, _ in needs]
    _assert_fillable(names, request, counted, directory, approved)
    order = f"then the order goes to {facts.sourcing.supplier_name}"
    afters = [*(f"then the {role.replace('-', ' ')} is asked" for role in names[1:]), order]
    wanted = [_Need(f"{look}-{role}", role, why, then) for (role, why), then in zip(needs, afters, strict=False)]
    wanted += [
        _Need(f"{look}-added-{one.person}", one.role, f"{one.by} added you", order, one)
        for one in dict.fromkeys(one for approval in approved for one in approval.added)
        if not any(_given_by(one, approval) for approval in standing)
    ]
    asker = directory.person(request.requester)
    return tuple(
        Ask(
            key=need.key,
            case=case,
            role=need.role,
            requester=request.requester,
            requester_name=asker.name if asker else request.requester,
            cost_centre=request.cost_centre,
            category=facts.sourcing.category,
            item=request.item,
            description=facts.sourcing.description,
            quantity=request.quantity,
            unit=facts.sourcing.unit,
            unit_price=facts.sourcing.unit_price or Money.of(0, request.currency),
            amount=amount,
            counted=counted,
            supplier=facts.sourcing.supplier or "",
            supplier_name=facts.sourcing.supplier_name,
            contract=facts.sourcing.contract,
            budget=facts.sourcing.budget.budget,
            budget_left=facts.left,
            needed_by=request.needed_by.isoformat() if request.needed_by else "",
            reason=request.reason,
            why=need.why,
            after=need.after,
            policy=rulebook.policy_version,
            passkey=policy.steps_up(counted.amount),
            asked_for=asked_for if asked_for > request.quantity else None,
            added=need.added,
        )
        for need in wanted
    )


class _Need(NamedTuple):
    key: str
    role: Role
    why: str
    after: str
    added: Added | None = None


def to_order(request: Requisition, facts: Facts, on: date) -> OrderDraft:
    """Draw up the purchase order."""
    return OrderDraft(
        requester=request.requester,
        cost_centre=request.cost_centre,
        item=request.item,
        quantity=request.quantity,
        supplier=facts.sourcing.supplier or "",
        unit_price=facts.sourcing.unit_price or Money.of(0, request.currency),
        order_on=on,
        charge_on=request.charge_on or on,
        needed_by=request.needed_by,
    )


def to_issue(request: Requisition, on: date) -> IssueDraft:
    """Draw up the issue from stock."""
    return IssueDraft(
        requester=request.requester,
        cost_centre=request.cost_centre,
        item=request.item,
        quantity=request.quantity,
        issue_on=on,
    )


class NobodyMayError(Exception):
    """Too few people for the roles: a mistake in directory or policy, never leave for anyone, nor to wait for ever."""

    def __init__(self, roles: Sequence[Role], people: Iterable[str], where: str) -> None:
        named, only = " and ".join(roles), " and ".join(sorted(people))
        super().__init__(
            f"only {only} may decide as {named} for {where}, and nobody decides one case in two roles: "
            "the directory must name somebody else"
            if only
            else f"nobody active holds {named} for {where}: the directory must name somebody"
        )


def _assert_fillable(
    roles: Sequence[Role], request: Requisition, counted: Money, directory: Directory, approved: Collection[Approval]
) -> None:
    """Raise `NobodyMayError` where the roles cannot be filled, each by a person who decides in no other."""
    centre, asker = request.cost_centre, request.requester
    people = {role: who_may(directory, role, centre, counted, requester=asker) for role in roles}
    bound = {one.by: one.ask.role for one in approved if not one.ask.added}
    free = {role: [one.id for one in who if bound.get(one.id, role) == role] for role, who in people.items()}
    if short := too_few_for(free):
        raise NobodyMayError(short, {one.name for role in short for one in people[role]}, f"{centre} up to {counted}")


def _roles(facts: Facts, policy: Policy, amount: Money, counted: Money) -> list[tuple[Role, str]]:
    sourcing = facts.sourcing
    tier = policy.tier(sourcing.category, counted.amount)
    band = f"{sourcing.category} {_band(tier.band, policy)}"
    if counted != amount:
        earlier, days = counted - amount, policy.split_window_days
        band += f", with {earlier} asked for from {sourcing.supplier_name} in {days} days"
    needs: dict[Role, str] = dict.fromkeys(tier.roles, band)
    if sourcing.contract is None:
        for role in policy.off_contract:
            needs.setdefault(role, "no contract fixes the price")
    after = facts.left - amount
    if after.amount < sourcing.budget.budget.amount * policy.low_budget_share:
        for role in policy.low_budget:
            needs.setdefault(role, f"only {after} of the budget would be left")
    return list(needs.items())


def _band(band: Band, policy: Policy) -> str:
    lower = str(Money.of(band.lower, policy.currency))
    start = "from" if band.lower_included else "over"
    if band.upper is None:
        return f"{start} {lower}"
    end = f"{'up to' if band.upper_included else 'below'} {Money.of(band.upper, policy.currency)}"
    return f"{start} {lower} {end}" if band.lower else end


def _holds(agreed: Ask, now: Sourcing, counted: Money) -> bool:
    terms = (now.supplier, now.contract, now.unit_price)
    return (agreed.supplier, agreed.contract, agreed.unit_price) == terms and not counted > agreed.counted


def _given_by(one: Added, approval: Approval) -> bool:
    answered = approval.ask.added
    return approval.by == one.person or (answered is not None and answered.person == one.person)
