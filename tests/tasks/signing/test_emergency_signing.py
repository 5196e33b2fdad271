"""Where policy asks for passkeys, whoever agrees to emergency access signs it; and enough people are left to agree."""

from datetime import timedelta
from decimal import Decimal

import pytest

from blocks.audit.verdict import verify
from blocks.books import DUTIES
from blocks.records.emergency import EmergencyRules
from blocks.records.ledger import Line
from blocks.records.people import Agreement, Duties
from infrastructure.local.hospital.__main__ import directory
from tasks.rules.proof import prove
from tasks.signing.matters import ToConfirmError
from tests.hospital import Hospital
from tests.samples import NOON
from tests.signing import Signers
from tests.tasks.signing.emergencies import RULES, Night, night_policy


@pytest.fixture
async def night(hospital: Hospital) -> Night:
    return await Night.fallen(hospital, step_up_from=Decimal(20_000))


async def test_two_agree_with_their_passkeys_to_what_the_page_shows(night):
    signers = Signers(night.hospital.ledger, night.hospital.now)
    for person in ("paula.reyes", "frida.ng"):
        await signers.enrol(person)
    await night.ask()
    for person in ("paula.reyes", "frida.ng"):
        with pytest.raises(ToConfirmError, match="takes your passkey") as asked:
            await night.agree(person)
        assert (await night.access()).since is None
        signers.now = night.hospital.now
        told = (await signers.pending(asked.value.request)).told
        assert told.what == "Mei Tan"
        assert ("As", "department manager") in told.facts
        assert ("Why", "Nobody of the theatres can be reached") in told.facts
        outcome = await signers.sign(asked.value.request)
        assert outcome.done, outcome
    assert "Mei Tan may decide as department-manager until" in outcome.text
    assert (await night.access()).holds(night.hospital.now)
    assert await night.hospital.verified()


async def test_a_word_that_nobody_signed_is_named_by_the_audit(night):
    night.hospital.now += timedelta(minutes=1)
    await night.ask()
    word = Agreement(by="frida.ng", name="Frida Ng", at=night.hospital.now).model_dump(mode="json")
    line = Line(act="emergency-agreed", key="em-1", actor="person:frida.ng", at=night.hospital.now)
    forged = line.model_copy(update={"body": {"agreement": word}})
    await night.hospital.ledger.append(await night.hospital.chain(DUTIES), [forged])
    (found,) = (await verify(night.hospital.ledger)).findings
    assert (found.case, found.fault) == (DUTIES, "unproven")
    assert "nothing was signed" in found.because


async def test_two_words_that_nobody_signed_put_nothing_in_force(night):
    hospital = night.hospital
    case = await night.waiting()
    hospital.now += timedelta(minutes=1)
    await night.ask()
    for by, name in (("frida.ng", "Frida Ng"), ("paula.reyes", "Paula Reyes")):
        word = Agreement(by=by, name=name, at=hospital.now).model_dump(mode="json")
        line = Line(act="emergency-agreed", key="em-1", actor=f"person:{by}", at=hospital.now, body={"agreement": word})
        await hospital.ledger.append(await hospital.chain(DUTIES), [line])
    assert (await night.access()).since is None
    assert (await hospital.answer(case, "mei.tan")).taken == "void"
    assert len((await verify(hospital.ledger)).findings) == 2


def found(rules: EmergencyRules) -> list[tuple[str, str]]:
    told = prove(night_policy(emergency_access=rules), directory(), Duties(), NOON)
    return [(one.level, one.field.rpartition(".")[2]) for one in told.findings if one.rule == "emergency"]


@pytest.mark.parametrize(
    ("granters", "reviewers", "told"),
    [
        (("finance-director",), ("chief-financial-officer",), [("violation", "granters"), ("warning", "reviewers")]),
        (("finance-director", "procurement-lead"), ("finance-director",),
         [("violation", "reviewers"), ("warning", "granters")]),
        (("department-manager", "finance-director"), ("finance-director", "chief-financial-officer"),
         [("warning", "reviewers")]),
        (("department-manager", "procurement-lead"), ("finance-director", "chief-financial-officer"), []),
    ],
)  # fmt: skip
def test_policy_check_says_where_too_few_are_left_to_agree_or_to_review(granters, reviewers, told):
    assert found(RULES.model_copy(update={"granters": granters, "reviewers": reviewers})) == told


def test_policy_check_says_where_nobody_is_left_to_review():
    people = tuple(x for x in directory().people if x.id != "carl.moss")
    staff = directory().model_copy(update={"people": people})
    rules = RULES.model_copy(update={"reviewers": ("chief-financial-officer",)})
    told = prove(night_policy(emergency_access=rules), staff, Duties(), NOON)
    assert [x.what for x in told.violations if x.rule == "emergency"] == [
        "nobody active is chief-financial-officer, who would review emergency access"
    ]
