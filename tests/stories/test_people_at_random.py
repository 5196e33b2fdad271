"""People come and go, are away and stand in for one another, in any order, while requests wait.

Whoever decided could, by a second reading of the rules written here in few lines; and an open card asks whom it should.
"""

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.errors import RefusedError
from blocks.records.approval import Ask, Decision
from blocks.records.people import Directory, Duties
from blocks.rulebook import Shelf, adopt
from tasks.upkeep.rounds import Rounds
from tests.hospital import MORNING, Hospital, two_coordinators
from tests.tasks.signing.test_people import away, lend

ASKS, DECIDE = "rita.okafor", ("ivo.petrov", "paula.reyes", "ana.silva", "leo.brandt", "frida.ng")
people = st.sampled_from((ASKS, *DECIDE))
deeds = st.one_of(
    st.tuples(st.just("approve"), people, people),
    st.tuples(st.just("approve"), people, people),
    st.tuples(st.just("reject"), people, people),
    st.tuples(st.just("lend"), people, people),
    st.tuples(st.just("away"), people, people),
    st.tuples(st.just("leave"), st.sampled_from(DECIDE), people),
    st.tuples(st.just("add"), people, people),
    st.tuples(st.just("round"), people, people),
    st.tuples(st.just("wake"), people, people),
)
histories = st.lists(st.tuples(st.sampled_from([0, 1, 30, 200]), deeds), min_size=1, max_size=14)


class Life:
    """A hospital in which things happen, and the directory as it is by then."""

    def __init__(self, hospital: Hospital, case: str) -> None:
        self.hospital, self.case, self.staff, self.told = hospital, case, two_coordinators(), 0
        self.rounds = Rounds(hospital.ledger, Shelf(hospital.ledger), hospital.desk)

    async def do(self, act: str, who: str, whom: str) -> None:
        hospital = self.hospital
        if act in {"approve", "reject"} and (await hospital.asks(self.case)):
            verdict = await hospital.answer(self.case, who, act, "because")
            self.told += bool(verdict.text)
        elif act == "lend":
            await lend(hospital, who, whom, key=f"{who}-{whom}-{hospital.now:%d%H%M%S}")
        elif act == "away":
            await away(hospital, who, hospital.now + timedelta(hours=50))
        elif act == "leave":
            await self.leave(who)
        elif act == "add":
            await hospital.wish(self.case, who, "add", whom=whom)
        elif act == "round":
            await self.rounds.go(hospital.now)
        else:
            await hospital.wake(self.case)

    async def leave(self, who: str) -> None:
        """Let somebody leave, or come back."""
        everybody = tuple(
            x.model_copy(update={"active": not x.active}) if x.id == who else x for x in self.staff.people
        )
        day = self.staff.effective_from + timedelta(days=1)
        self.staff = self.staff.model_copy(update={"people": everybody, "effective_from": day})
        await adopt(self.hospital.ledger, self.staff, actor="door:test", at=self.hospital.now)


def may(ask: Ask, who: str, earlier: list[Decision], staff: Directory, duties: Duties, at) -> bool:
    """Say whether somebody may decide, as the rules are told: a second reading, for what these stories can hold."""
    person = staff.person(who)
    if person is None or not person.active:
        return False
    lenders = {one.of for one in duties.delegations if one.to == who and one.start <= at < one.until}
    me = {who} | lenders
    if ASKS in me:
        return False
    if ask.added is None and any(
        not one.added and one.role != ask.role and me & {one.by, *one.counts_as} for one in earlier
    ):
        return False
    there = {name for name in me if (found := staff.person(name)) and found.active}
    if ask.added:
        left = staff.person(ask.added.person)
        in_place = {ask.added.by_id, left.manager} if left and not left.active else set()
        return ask.added.person in there or who in in_place
    return any(
        grant.role == ask.role
        and ("*" in grant.cost_centres or ask.cost_centre in grant.cost_centres)
        and (grant.limit is None or ask.counted.amount <= grant.limit.amount)
        for name in there
        for grant in staff.person(name).grants
    )


async def assert_decided_rightly(hospital: Hospital, case: str) -> None:
    chain, shelf = await hospital.chain(case), Shelf(hospital.ledger)
    asks = {ask.key: ask for ask in await hospital.asks(case)}
    decided = [Decision.model_validate(line.body["decision"]) for line in chain.having("decided")]
    assert len({one.ask for one in decided}) == len(decided), "one effective decision a step"
    for place, one in enumerate(decided):
        staff, duties = await shelf.directory(one.directory), await shelf.duties(one.duties)
        assert may(asks[one.ask], one.by, decided[:place], staff, duties, one.at), one
        assert ASKS not in {one.by, one.on_behalf_of, *one.counts_as}, "nobody approves what they asked for"


async def assert_card_asks_whom_it_should(life: Life) -> None:
    """After a round, an open card names exactly those who may decide it, but for who is away while others may."""
    hospital = life.hospital
    await life.rounds.go(hospital.now)
    chain, ask = await hospital.chain(life.case), (await hospital.asks(life.case))[-1]
    if chain.last("decided", ask.key) or not chain.last("posted", ask.key):
        return
    rules = await Shelf(hospital.ledger).in_force(hospital.now)
    earlier = [Decision.model_validate(line.body["decision"]) for line in chain.having("decided")]
    able = {x for x in rules.directory.people if may(ask, x.id, earlier, rules.directory, rules.duties, hospital.now)}
    here = {x for x in able if not rules.duties.away(x.id, hospital.now)} or able
    (card,) = [one for one in hospital.desk.cards("approvals") if one.key == f"{life.case}/{ask.key}"]
    assert set(re.findall(r"<@(\w+)>", str(card.blocks))) == {x.slack_user for x in here}


async def lived(root: Path, history: list) -> None:
    hospital = await Hospital.opened(root)
    hospital.now = MORNING
    await adopt(hospital.ledger, two_coordinators(), actor="door:test", at=MORNING)
    case = await hospital.submit("KNEE-TIB-4", 2)
    assert await hospital.wake(case) is None
    life = Life(hospital, case)
    for hours, (act, who, whom) in history:
        hospital.now += timedelta(hours=hours)
        try:
            await life.do(act, who, whom)
        except RefusedError:
            continue  # it cannot be lent, or they have left: nothing was entered
    outcome = await hospital.wake(case)
    await assert_decided_rightly(hospital, case)
    if outcome is None:
        await assert_card_asks_whom_it_should(life)
    chain = await hospital.chain(case)
    clicks = [line for line in chain.lines if line.act in {"decided", "late", "refused-click"}]
    assert len(clicks) >= life.told, "each answer is in the ledger, counted or not"
    assert len(hospital.erp.orders()) == (outcome is not None and outcome.ended == "ordered")
    assert await hospital.verified()


@settings(max_examples=60, deadline=None)
@given(history=histories)
def test_whoever_comes_and_goes_only_who_may_decides_and_an_open_card_asks_them(history):
    with TemporaryDirectory() as folder:
        asyncio.run(lived(Path(folder), history))
