"""Changing the directory: proposed by one, put in force by another whom policy names, signed where policy asks."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from blocks.audit.verdict import verify
from blocks.books import DIRECTORY
from blocks.errors import RefusedError
from blocks.ledger import Ledger
from blocks.records.money import Money
from blocks.records.people import Directory, Grant
from blocks.rulebook import Shelf, adopt
from blocks.store import FolderStore
from infrastructure.local.hospital.__main__ import directory
from tasks.signing.directory_changes import adopt_first, approve, changes_of, propose
from tasks.signing.matters import ToConfirmError
from tasks.signing.proposals import InForce, Proposal
from tests.hospital import MORNING, Hospital, plain_policy
from tests.signing import Signers

LATER = MORNING + timedelta(hours=1)
PAULA = Grant(role="finance-director", limit=Money.of(9000, "USD"))


@pytest.fixture
async def ledger(hospital: Hospital) -> Ledger:
    await adopt(hospital.ledger, directory(), actor="door:test", at=MORNING)
    return hospital.ledger


async def strict(ledger: Ledger) -> None:
    demanding = plain_policy().model_copy(update={"step_up_from": Decimal(2000)})
    await adopt(ledger, demanding, actor="door:test", at=MORNING + timedelta(minutes=1))


def changed(person: str, **fields: Any) -> Directory:
    staff = directory().people
    return directory().model_copy(
        update={"people": tuple(one.model_copy(update=fields) if one.id == person else one for one in staff)}
    )


def promoted() -> Directory:
    """Paula Reyes becomes a finance director as well."""
    paula = directory().person("paula.reyes")
    return changed("paula.reyes", grants=(*paula.grants, PAULA))


async def proposed(ledger: Ledger, new: Directory, by: str = "paula.reyes") -> Proposal:
    return await propose(new, by, "test", ledger=ledger, shelf=Shelf(ledger), at=LATER)


async def approved(ledger: Ledger, proposal: Proposal, by: str = "frida.ng") -> InForce:
    return await approve(proposal.object[:12], by, "test", ledger=ledger, shelf=Shelf(ledger), at=LATER)


async def in_force(ledger: Ledger) -> Directory:
    return (await Shelf(ledger).in_force(MORNING)).directory


async def test_what_one_proposes_and_another_approves_is_in_force_and_both_are_named(ledger):
    proposal = await proposed(ledger, promoted())
    assert await in_force(ledger) == directory()
    assert await changes_of(proposal, Shelf(ledger)) == (
        "paula.reyes gains finance-director everywhere, up to $9,000.00",
    )
    told = await approved(ledger, proposal)
    assert (told.author, told.approver, told.new) == ("paula.reyes", "frida.ng", True)
    assert await in_force(ledger) == promoted()
    assert (await verify(ledger)).verified


@pytest.mark.parametrize(
    ("author", "by", "because"),
    [
        ("frida.ng", "frida.ng", "you wrote it yourself"),
        ("paula.reyes", "paula.reyes", "you wrote it yourself"),
        ("ana.silva", "paula.reyes", "it takes a finance-director or chief-financial-officer to approve a directory"),
        ("paula.reyes", "gus.varga", "gus.varga is not an active person of the directory"),
    ],
)
async def test_it_is_not_approved_by(ledger, author, by, because):
    proposal = await proposed(ledger, promoted(), author)
    with pytest.raises(RefusedError, match=because):
        await approved(ledger, proposal, by)
    assert await in_force(ledger) == directory()


async def test_who_vouches_for_people_is_named_by_policy(ledger):
    named = plain_policy().model_copy(update={"directory_approvers": ("procurement-lead",)})
    await adopt(ledger, named, actor="door:test", at=MORNING)
    proposal = await proposed(ledger, promoted(), "ana.silva")
    with pytest.raises(RefusedError, match="it takes a procurement-lead"):
        await approved(ledger, proposal)
    assert (await approved(ledger, proposal, "paula.reyes")).new


LESS = [
    {"active": False},
    {"grants": ()},
    {"grants": (Grant(role="department-manager", cost_centres=("OR",), limit=Money.of(10, "USD")),)},
    {"cost_centres": ("OR",)},
]
MORE = [
    {"grants": (Grant(role="department-manager", cost_centres=("OR",)),)},
    {"grants": (Grant(role="department-manager", cost_centres=("OR", "PHA"), limit=Money.of(10, "USD")),)},
    {"grants": (Grant(role="department-manager", cost_centres=("OR",), limit=Money.of(10, "EUR")),)},
    {"grants": (Grant(role="finance-director", cost_centres=("OR",), limit=Money.of(10, "USD")),)},
    {"slack_user": "U0OTHER"},
    {"manager": "carl.moss"},
    {"asks": True},
    {"cost_centres": ("OR", "PHA")},
    {"cost_centres": ()},
]


@pytest.mark.parametrize("fields", LESS)
async def test_who_only_takes_away_needs_nobody_else(ledger, fields):
    proposal = await proposed(ledger, changed("ana.silva", **fields), "frida.ng")
    assert (await approved(ledger, proposal, "frida.ng")).new


@pytest.mark.parametrize("fields", MORE)
async def test_where_anybody_gains_anything_or_is_somebody_else_it_takes_two(ledger, fields):
    proposal = await proposed(ledger, changed("ana.silva", **fields), "frida.ng")
    with pytest.raises(RefusedError, match="you wrote it yourself"):
        await approved(ledger, proposal, "frida.ng")


async def test_what_was_approved_for_later_is_not_brought_forward_by_who_takes_away(ledger):
    later = promoted().model_copy(update={"effective_from": date(2027, 1, 1)})
    await approved(ledger, await proposed(ledger, later))
    people = tuple(one.model_copy(update={"active": False}) if one.id == "ana.silva" else one for one in later.people)
    sooner = later.model_copy(update={"effective_from": MORNING.date(), "people": people})
    with pytest.raises(RefusedError, match="you wrote it yourself"):
        await approved(ledger, await proposed(ledger, sooner, "frida.ng"), "frida.ng")


@pytest.mark.parametrize(
    ("new", "because"),
    [
        (changed("frida.ng", manager="frida.ng"), "among their own managers"),
        (directory().model_copy(update={"people": directory().people[:4]}), "no directory could follow this one"),
        (directory().model_copy(update={"effective_from": date(2025, 1, 1)}), "is before that of the one in force"),
        (directory(), "in force already"),
    ],
)
async def test_what_cannot_be_gone_by_is_not_proposed(ledger, new, because):
    with pytest.raises(RefusedError, match=because):
        await proposed(ledger, new)


async def test_without_a_policy_the_first_directories_need_nobody(tmp_path):
    empty = Ledger(FolderStore(tmp_path / "empty"))
    for first in (directory(), promoted()):
        await adopt_first(first, "test", ledger=empty, at=MORNING)
    _, now = await Shelf(empty).directory_in_force(MORNING)
    assert now == promoted()


@pytest.mark.parametrize("starts", [date(2026, 1, 1), date(2027, 1, 1)])
async def test_once_a_policy_was_adopted_be_it_for_later_no_directory_goes_past_who_vouches(tmp_path, starts):
    ledger = Ledger(FolderStore(tmp_path / "begun"))
    await adopt_first(directory(), "test", ledger=ledger, at=MORNING)
    policy = plain_policy().model_copy(update={"effective_from": starts})
    await adopt(ledger, policy, actor="door:test", at=MORNING)
    with pytest.raises(RefusedError, match="a policy was adopted"):
        await adopt_first(promoted(), "test", ledger=ledger, at=MORNING)


async def test_where_policy_asks_for_passkeys_who_approves_signs_what_they_have_seen(ledger):
    await strict(ledger)
    signers = Signers(ledger, LATER)
    await signers.enrol("frida.ng")
    proposal = await proposed(ledger, promoted())
    with pytest.raises(ToConfirmError, match="Approving a directory takes your passkey") as asked:
        await approved(ledger, proposal)
    assert await in_force(ledger) == directory()
    found = await signers.pending(asked.value.request)
    assert found.told.what == "The directory by paula.reyes"
    assert found.told.changes == ("paula.reyes gains finance-director everywhere, up to $9,000.00",)
    assert (await signers.sign(asked.value.request)).done
    assert await in_force(ledger) == promoted()
    assert (await verify(ledger)).verified
    assert await signers.pending(asked.value.request) == "It is in force already: frida.ng approved it."


async def test_a_directory_put_in_force_without_the_passkey_is_named_by_the_audit(ledger):
    await strict(ledger)
    await adopt(ledger, promoted(), actor="door:attacker", at=LATER)
    (found,) = (await verify(ledger)).findings
    assert (found.case, found.fault) == (DIRECTORY, "unproven")
    assert "door:attacker" in found.because
    assert await in_force(ledger) == directory()


async def test_one_dated_back_is_judged_by_the_moment_of_what_stands_before_it(ledger):
    await strict(ledger)
    await proposed(ledger, promoted())
    await adopt(ledger, promoted(), actor="door:attacker", at=MORNING)
    assert [one.case for one in (await verify(ledger)).findings] == [DIRECTORY]
