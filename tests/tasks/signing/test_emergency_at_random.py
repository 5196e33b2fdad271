"""Nights in any order: asked for, agreed to, used, ended, reviewed, with stand-ins and the hours that pass.

What is in force is told by a second reading, in few lines, of what was entered; the doors must agree with it.
"""

import asyncio
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import event, given, settings
from hypothesis import strategies as st

from blocks.errors import RefusedError
from blocks.records.people import EmergencyAccess
from tests.hospital import Hospital
from tests.tasks.signing.emergencies import KEY, Night
from tests.tasks.signing.test_people import lend

HOLDS, OWN = "mei.tan", {"ana.silva"}
"""Who may get it; and who may decide anyway, as the theatres' manager."""
EVERYBODY = ("mei.tan", "rita.okafor", "ana.silva", "paula.reyes", "frida.ng", "carl.moss", "leo.brandt", "gus.varga")
who = st.sampled_from(EVERYBODY)
granters = st.sampled_from(("ana.silva", "paula.reyes", "frida.ng", "mei.tan"))
deeds = st.one_of(
    st.tuples(st.just("agree"), granters, who),
    st.tuples(st.just("agree"), granters, who),
    st.tuples(st.just("decide"), who, who),
    st.tuples(st.just("decide"), st.just(HOLDS), who),
    st.tuples(st.just("end"), who, who),
    st.tuples(st.just("review"), who, who),
    st.tuples(st.just("lend"), granters, granters),
)
begun = st.sampled_from([[], [(0, ("agree", "paula.reyes", "")), (0, ("agree", "frida.ng", ""))]])
nights = st.tuples(
    st.sampled_from(("mei.tan", "rita.okafor", "leo.brandt")),
    st.builds(
        list.__add__, begun, st.lists(st.tuples(st.sampled_from([0, 0, 1, 3, 7.99, 8]), deeds), min_size=2, max_size=8)
    ),
)


def in_force(access: EmergencyAccess, hospital: Hospital) -> bool:
    """Say whether two distinct others have agreed and it is not over, without the code's own reading."""
    ended = access.ended or access.asked.until
    agreed: list[set[str]] = []
    for one in access.agreed:
        me = {one.by, *one.counts_as}
        if access.asked.person not in me and not any(me & other for other in agreed):
            agreed.append(me)
    return len(agreed) >= 2 and hospital.now < min(ended, access.asked.until)


async def decides(night: Night, case: str, by: str) -> None:
    """Let somebody decide, and see that it counts exactly where it may."""
    hospital, access = night.hospital, await night.access()
    told = await hospital.answer(case, by)
    rules = await night.rules()
    lenders = {one.of for one in rules.duties.held_by(by, hospital.now)}
    own = bool(({by} | lenders) & OWN) and not {by, *lenders} & {"rita.okafor"} and by != "gus.varga"
    concerned = {access.asked.person, access.asked.asked_by, *(x for one in access.agreed for x in one.persons)}
    lent = in_force(access, hospital) and by == HOLDS and "rita.okafor" not in concerned | lenders
    assert (told.taken == "counted") is (own or lent), told.text
    if told.decision:
        event("decided by emergency access" if told.decision.emergency else "decided by own right")
        assert (told.decision.emergency is not None) is (lent and not own)
        assert not told.decision.emergency or len(set(told.decision.emergency.granted_by)) == 2


async def does(night: Night, case: str, act: str, by: str, whom: str) -> None:
    hospital, access = night.hospital, await night.access()
    if act == "agree":
        await night.agree(by)
        event("agreed")
        assert by != access.asked.person
        assert by not in {one.by for one in access.agreed}
    elif act == "decide" and not (await hospital.chain(case)).last("decided"):
        await decides(night, case, by)
    elif act == "end":
        await night.end(by)
        assert not in_force(await night.access(), hospital)
    elif act == "review":
        done = await night.review(by)
        event("reviewed")
        assert by not in {access.asked.person, access.asked.asked_by, *(one.by for one in access.agreed)}
        assert not in_force(done, hospital)
    elif act == "lend":
        await lend(hospital, by, whom, key=f"{by}-{whom}-{hospital.now:%d%H%M%S%f}")


async def passed(root: Path, asked_by: str, history: list) -> None:
    hospital = await Hospital.opened(root)
    night = await Night.fallen(hospital)
    case = await night.waiting()
    await night.ask(HOLDS, asked_by=asked_by)
    for hours, (act, by, whom) in history:
        hospital.now += timedelta(hours=hours)
        try:
            await does(night, case, act, by, whom)
        except RefusedError:
            continue  # it says why, and nothing was entered
    access = await night.access()
    hospital.now += timedelta(hours=24)
    if not (await hospital.chain(case)).last("decided"):
        await decides(night, case, HOLDS)
    under = await night.under()
    assert all(access.since <= one.decision.at < access.over for one in under)
    assert access.to_review(hospital.now) is (access.since is not None and access.review is None), KEY
    assert await hospital.verified()


@settings(max_examples=40)
@given(nights)
def test_it_lets_somebody_decide_on_the_word_of_two_others_until_it_ends_and_never_after(night):
    with TemporaryDirectory() as root:
        asyncio.run(passed(Path(root) / "store", *night))
