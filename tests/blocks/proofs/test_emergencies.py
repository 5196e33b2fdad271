"""The audit names what counted by emergency access and should not have, whoever wrote it into the ledger."""

from datetime import timedelta
from typing import Any

import pytest

from blocks.audit.verdict import verify
from blocks.books import DUTIES
from blocks.records.ledger import Line
from blocks.records.people import Agreement, EmergencyAsk
from blocks.rulebook import Shelf
from blocks.wire.canonical import canonical
from tasks.approvals import VoidDecisionError
from tests.hospital import Hospital
from tests.stores import Overtaken
from tests.tasks.signing.emergencies import Night

LENT = {"key": "em-1", "granted_by": ["Paula Reyes", "Frida Ng"], "until": "2026-11-23T22:00:01Z"}


@pytest.fixture
async def night(hospital: Hospital) -> Night:
    return await Night.fallen(hospital)


async def written(night: Night, case: str, **changed: Any) -> None:
    """Write Mei Tan's approval by emergency access straight into the ledger."""
    chain = await night.hospital.chain(case)
    asked, rules = chain.last("asked"), await night.rules()
    body = {"ask": asked.key, "verdict": "approve", "by": "mei.tan", "name": "Mei Tan", "role": "department-manager"}
    body |= {"at": night.hospital.now.isoformat(), "shown": asked.seen, "directory": rules.directory_version}
    body |= {"duties": rules.duties.seq, "emergency": LENT} | changed
    line = Line(act="decided", key=asked.key, actor="person:mei.tan", at=night.hospital.now, body={"decision": body})
    await night.hospital.ledger.append(chain, [line])


async def faults(night: Night, case: str) -> list[str]:
    found = (await verify(night.hospital.ledger)).findings
    assert {(one.case, one.fault) for one in found} <= {(case, "unproven")}
    return [one.because.partition(": ")[2] for one in found]


async def test_what_was_agreed_to_by_two_and_in_force_holds(night):
    case = await night.waiting()
    await night.granted()
    await written(night, case)
    assert (await night.hospital.wake(case)).ended == "ordered"
    assert not await faults(night, case)


async def asked_alone(night: Night) -> None:
    await night.ask()


async def agreed_by_one(night: Night) -> None:
    await night.ask()
    await night.agree("frida.ng")


async def agreed_twice_by_one(night: Night) -> None:
    await agreed_by_one(night)
    await forged_word(night, "frida.ng", "Frida Ng")


async def agreed_by_whoever_gets_it(night: Night) -> None:
    await agreed_by_one(night)
    await forged_word(night, "mei.tan", "Mei Tan")


async def agreed_by_who_could_not(night: Night) -> None:
    await agreed_by_one(night)
    await forged_word(night, "sam.lind", "Sam Lind")


async def ended(night: Night) -> None:
    await night.granted()
    await night.end("frida.ng")


async def ended_for_who_dates_back(night: Night) -> None:
    await ended(night)
    night.hospital.now -= timedelta(seconds=30)


async def run_out(night: Night) -> None:
    await night.granted()
    night.hospital.now += timedelta(hours=9)


async def for_elsewhere(night: Night) -> None:
    await night.granted(cost_centres=("LAB",))


async def forged_word(night: Night, by: str, name: str) -> None:
    night.hospital.now += timedelta(minutes=1)
    word = Agreement(by=by, name=name, at=night.hospital.now).model_dump(mode="json")
    line = Line(
        act="emergency-agreed", key="em-1", actor=f"person:{by}", at=night.hospital.now, body={"agreement": word}
    )
    await night.hospital.ledger.append(await night.hospital.chain(DUTIES), [line])


async def nothing(night: Night) -> None:
    assert not (await night.rules()).duties.emergencies


FORGED = [
    (nothing, {}, "it counts by an emergency access that nobody asked for"),
    (asked_alone, {}, "it counts by an emergency access that was not agreed to by two"),
    (agreed_by_one, {}, "it counts by an emergency access that was not agreed to by two"),
    (agreed_twice_by_one, {}, "it counts by an emergency access that was not agreed to by two"),
    (agreed_by_whoever_gets_it, {}, "it counts by an emergency access that was not agreed to by two"),
    (agreed_by_who_could_not, {"emergency": LENT | {"granted_by": ["Frida Ng", "Sam Lind"]}},
     "it counts by an emergency access to which Sam Lind could not agree"),
    (ended, {}, "it counts by an emergency access that was not in force"),
    (ended_for_who_dates_back, {}, "it counts by an emergency access that was not in force"),
    (run_out, {}, "it counts by an emergency access that was not in force"),
    (for_elsewhere, {}, "it counts by an emergency access that was for something else"),
    (Night.granted, {"emergency": LENT | {"granted_by": ["Carl Moss", "Frida Ng"]}},
     "it names others than those who agreed to the emergency access"),
    (Night.granted, {"emergency": None}, "it counts by emergency access alone, and does not say so"),
]  # fmt: skip


@pytest.mark.parametrize(("so_far", "changed", "because"), FORGED)
async def test_what_should_not_have_counted_by_it_is_named(night, so_far, changed, because):
    case = await night.waiting()
    await so_far(night)
    await written(night, case, **changed)
    assert await faults(night, case) == [because]
    if so_far is not agreed_by_who_could_not:
        with pytest.raises(VoidDecisionError):
            await night.hospital.wake(case)


async def test_what_the_requester_had_a_part_in_is_named(night):
    case = await night.waiting()
    await night.granted(asked_by="rita.okafor")
    await written(night, case)
    assert await faults(night, case) == ["it counts by an emergency access in which the requester had a part"]


async def test_what_policy_did_not_allow_when_two_agreed_is_named(night):
    case = await night.waiting()
    await night.ask()
    asked = (await night.hospital.chain(DUTIES)).last("emergency-asked")
    longer: dict[str, Any] = asked.body["asked"] | {
        "key": "em-1",
        "until": (night.hospital.now + timedelta(days=9)).isoformat(),
    }
    forged = asked.model_copy(update={"key": "em-2", "body": {"asked": longer | {"key": "em-2"}}})
    await night.hospital.ledger.keep(canonical(EmergencyAsk.model_validate(forged.body["asked"])))
    await night.hospital.ledger.append(await night.hospital.chain(DUTIES), [forged])
    await night.agree("paula.reyes", "em-2")
    await night.agree("frida.ng", "em-2")
    await written(night, case, emergency=LENT | {"key": "em-2", "until": longer["until"]})
    assert await faults(night, case) == ["it counts by an emergency access that policy did not allow"]


async def test_what_was_decided_while_it_held_stays_proven_after_it_is_over(night):
    case = await night.waiting()
    await night.granted()
    await night.hospital.answer(case, "mei.tan")
    await night.end("mei.tan")
    await night.review("carl.moss")
    assert (await Shelf(night.hospital.ledger).duties()).emergencies[0].review
    assert not await faults(night, case)


async def test_what_lands_after_the_review_of_all_that_was_decided_is_named(night, tmp_path):
    hospital, case = night.hospital, await night.waiting()
    await night.granted()

    async def reviewed() -> None:
        hospital.now += timedelta(hours=9)
        await night.review("carl.moss")

    store = hospital.ledger.store = Overtaken(tmp_path / "store")
    store.at, store.first = f"cases/{case}/", reviewed
    assert (await hospital.answer(case, "mei.tan")).taken == "counted"
    assert await faults(night, case) == [
        "it counts by an emergency access that Carl Moss accepted without having seen this"
    ]


async def test_whoever_decides_what_they_asked_for_is_named_whatever_they_hold(night):
    case = await night.waiting()
    await written(night, case, by="rita.okafor", name="Rita Okafor", emergency=None)
    assert await faults(night, case) == ["who asked for it, or counts as who did, has decided it"]


async def test_whoever_stood_in_for_who_asked_is_named(night):
    case = await night.waiting()
    await written(night, case, by="ana.silva", counts_as=["rita.okafor"], emergency=None)
    assert await faults(night, case) == ["who asked for it, or counts as who did, has decided it"]


async def test_whoever_fills_two_seats_is_named(night):
    case = await night.hospital.submit("HIP-STEM-12", 5)
    assert await night.hospital.wake(case) is None
    await night.hospital.answer(case, "ivo.petrov")
    assert await night.hospital.wake(case) is None
    await written(night, case, by="ana.silva", name="Ana Silva", counts_as=["ivo.petrov"], emergency=None)
    assert await faults(night, case) == [
        "who has decided as implant-coordinator, or counts as who did, has decided this as well"
    ]


async def test_whoever_settles_what_they_asked_for_is_named(night):
    case = await night.waiting()
    body = {"effect": "order", "verdict": "given-up", "name": "Rita Okafor", "because": "", "document": None}
    line = Line(act="settled", key="k", actor="person:rita.okafor", at=night.hospital.now, body=body)
    await night.hospital.ledger.append(await night.hospital.chain(case), [line])
    assert await faults(night, case) == ["who asked for it, or counts as who did, has said what became of it"]


async def test_whoever_settles_what_they_asked_for_and_nobody_else_was_asked_about_is_named(night):
    case = await night.hospital.submit("IVSET-20", 40)
    assert (await night.hospital.wake(case)).ended == "ordered"
    body = {"effect": "order", "verdict": "given-up", "name": "Rita Okafor", "because": "", "document": None}
    line = Line(act="settled", key="k", actor="person:rita.okafor", at=night.hospital.now, body=body)
    await night.hospital.ledger.append(await night.hospital.chain(case), [line])
    assert await faults(night, case) == ["who asked for it, or counts as who did, has said what became of it"]
