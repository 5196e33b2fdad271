"""Random steps, people, answers and wakes, held against a small model of who may and what comes of it."""

import asyncio
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from hypothesis import event, given, settings
from hypothesis import strategies as st

from blocks.records.approval import Ask, Decision
from blocks.records.people import Grant, Person, Role
from blocks.records.routes import Approver, Step
from blocks.rulebook import adopt
from infrastructure.local.hospital.__main__ import directory
from tests.hospital import Hospital
from tests.stories.test_steps import under

ROLES: tuple[Role, ...] = ("department-manager", "procurement-lead", "finance-director")
PEOPLE = ("p0", "p1", "p2", "p3", "p4")
ASKER = "sam.lind"


class Play(NamedTuple):
    """Who holds what, which steps there are, and what happens in which order."""

    holds: tuple[frozenset[Role], ...]
    steps: tuple[Step, ...]
    deeds: tuple[tuple[Any, ...], ...]


@st.composite
def steps(draw: st.DrawFn) -> Step:
    roles = draw(st.lists(st.sampled_from(ROLES), min_size=1, max_size=3, unique=True))
    asked = tuple(Approver(who=role, seats=draw(st.sampled_from([1, 1, 2]))) for role in roles)
    return Step(approvers=asked, quorum=draw(st.none() | st.integers(1, sum(one.seats for one in asked))))


roles = st.frozensets(st.sampled_from(ROLES), min_size=1, max_size=2)
answers = st.tuples(
    st.just("answer"), st.sampled_from([*PEOPLE * 3, ASKER]), st.integers(0, 5),
    st.sampled_from(["approve"] * 7 + ["reject"]),
)  # fmt: skip
wakes, withdraws = st.just(("wake",)), st.just(("withdraw",))
plays = st.builds(
    Play,
    st.tuples(*[roles] * len(PEOPLE)),
    st.lists(steps(), min_size=1, max_size=2).map(tuple),
    st.lists(
        st.sampled_from([answers] * 8 + [wakes] * 4 + [withdraws]).flatmap(lambda x: x), min_size=6, max_size=24
    ).map(tuple),
)


async def played(root: Path, play: Play) -> tuple[Hospital, str, list[Any]]:
    hospital = await under(await Hospital.opened(root), *play.steps)
    made = tuple(
        Person(id=name, name=name, asks=False, grants=tuple(Grant(role=role) for role in sorted(held)))
        for name, held in zip(PEOPLE, play.holds, strict=True)
    )
    askers = tuple(one for one in directory().people if one.id == ASKER)
    staff = directory().model_copy(update={"people": (*askers, *made), "effective_from": hospital.now.date()})
    await adopt(hospital.ledger, staff, actor="door:test", at=hospital.now)
    case = await hospital.submit("VENT-T1", by=ASKER, centre="ICU")
    await hospital.wake(case)
    told = []
    for deed in play.deeds:
        asked = (await hospital.chain(case)).having("asked")
        if deed[0] == "wake":
            await hospital.wake(case)
        elif deed[0] == "withdraw" and asked:
            told.append(await hospital.wish(case, ASKER, "withdraw"))
        elif deed[0] == "answer" and asked:
            line = asked[deed[2] % len(asked)]
            told.append(await hospital.answer(case, deed[1], deed[3], "because", ask=line.key, shown=line.seen))
    await hospital.wake(case)
    return hospital, case, told


def settled(asks: list[Ask], decisions: list[Decision]) -> str:
    """Say how a step stands, counted anew from what was said to its asks."""
    said = {one.ask: one.verdict for one in decisions}
    yes = sum(said.get(ask.key) == "approve" for ask in asks)
    no = sum(said.get(ask.key) == "reject" for ask in asks)
    if yes >= asks[0].enough:
        return "approved"
    return "refused" if len(asks) - no < asks[0].enough else "open"


@settings(max_examples=60, deadline=None)
@given(play=plays)
def test_each_step_has_one_end_and_no_person_two_seats(play: Play):
    with TemporaryDirectory() as root:
        asyncio.run(holds(Path(root), play))


async def holds(root: Path, play: Play) -> None:
    hospital, case, told = await played(root, play)
    chain = await hospital.chain(case)
    decisions = [Decision.model_validate(line.body["decision"]) for line in chain.having("decided")]
    asks = [Ask.model_validate(line.body["ask"]) for line in chain.having("asked")]
    assert len({one.ask for one in decisions}) == len(decisions), "an ask has two decisions"
    assert len({one.by for one in decisions}) == len(decisions), "somebody fills two seats"
    holding = dict(zip(PEOPLE, play.holds, strict=True))
    for one in decisions:
        assert one.role in holding[one.by], "somebody decides in a role they do not hold"
    assert all(verdict.text for verdict in told), "a click was not answered"
    each = [list(group) for _, group in groupby(asks, key=lambda ask: ask.beside or (ask.key,))]
    for place, step in enumerate(each):
        mine = [one for one in decisions if one.ask in {ask.key for ask in step}]
        for upto in range(len(mine)):
            assert settled(step, mine[:upto]) == "open", "an answer was taken after the step had ended"
        assert place == len(each) - 1 or settled(step, decisions) == "approved", "a step was asked before its turn"
    await ends_as_the_model_says(hospital, case, each, decisions)


async def ends_as_the_model_says(
    hospital: Hospital, case: str, each: list[list[Ask]], decisions: list[Decision]
) -> None:
    chain = await hospital.chain(case)
    ended = chain.last("ended")
    how = ended.body["outcome"]["ended"] if ended else "waits"
    event(how)
    stands = [settled(step, decisions) for step in each]
    assert len(hospital.erp.orders()) == (how == "ordered")
    if how == "ordered":
        assert set(stands) == {"approved"}
    elif how == "rejected":
        assert stands[-1] == "refused"
    elif how == "withdrawn":
        assert stands[-1] == "open"
        assert chain.last("withdrawn")
    elif how == "waits":
        assert stands[-1] == "open"
        assert not chain.last("withdrawn")
    else:
        assert how == "refused", "too few people for the seats"
        assert "decide" in ended.body["outcome"]["because"] or "nobody active" in ended.body["outcome"]["because"]
    assert await hospital.verified()
