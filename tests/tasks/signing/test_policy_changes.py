"""Changing a policy: proposed by one, approved by another, once; and the ledger says who did."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from blocks import connect
from blocks.audit.verdict import verify
from blocks.books import DIRECTORY, POLICY
from blocks.errors import RefusedError
from blocks.ledger import Ledger
from blocks.records.people import Delegation, Directory
from blocks.records.policy import Policy
from blocks.rulebook import Shelf, adopt
from blocks.store import FolderStore
from infrastructure.local.hospital.__main__ import adopt_all, directory
from tasks.signing.directory_changes import approve as approve_people
from tasks.signing.directory_changes import propose as propose_people
from tasks.signing.people import delegate
from tasks.signing.policy_changes import NotProvenError, adopt_first, approve, propose
from tasks.signing.proposals import InForce, Proposal, differences, open_proposals
from tests.clockwork import at
from tests.hospital import plain_policy
from tests.samples import NOON
from tests.stores import Overtaken

WEEK = timedelta(days=7)


@pytest.fixture
async def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(FolderStore(tmp_path))
    for document in (plain_policy(), directory()):
        await adopt(ledger, document, actor="door:test", at=NOON)
    return ledger


def stricter(amount: int = 200_000, **more: Any) -> Policy:
    return plain_policy().model_copy(update={"amount_max": Decimal(amount), **more})


async def proposed(ledger: Ledger, document: Policy | None = None, by: str = "paula.reyes") -> Proposal:
    return await propose(document or stricter(), by, "test", ledger=ledger, shelf=Shelf(ledger), at=NOON)


async def approved(ledger: Ledger, proposal: Proposal, by: str = "frida.ng") -> InForce:
    return await approve(proposal.object[:12], by, "test", ledger=ledger, shelf=Shelf(ledger), at=NOON)


def of(ledger: Ledger) -> dict[str, Any]:
    return {"ledger": ledger, "shelf": Shelf(ledger), "at": NOON}


async def in_force(ledger: Ledger) -> Policy:
    return (await Shelf(ledger).policy_in_force(NOON))[1]


async def lend(ledger: Ledger, of: str, to: str) -> None:
    rulebook = await Shelf(ledger).in_force(NOON)
    lent = Delegation(key="d", of=of, to=to, start=NOON, until=NOON + WEEK)
    await delegate(lent, rulebook.directory.person(of), "test", ledger=ledger, rulebook=rulebook, at=NOON)


async def test_what_one_proposes_and_another_approves_is_in_force_and_both_are_named(ledger):
    proposal = await proposed(ledger)
    assert (await in_force(ledger)) == plain_policy()
    told = await approved(ledger, proposal)
    assert (told.author, told.approver, told.new) == ("paula.reyes", "frida.ng", True)
    assert (await in_force(ledger)) == stricter()
    line = (await ledger.read(POLICY)).last("adopted")
    assert line is not None
    assert (line.actor, line.seen, line.body["author"]) == ("person:frida.ng", proposal.object, "paula.reyes")
    assert not open_proposals(await ledger.read(POLICY))


@pytest.mark.parametrize(
    ("author", "by", "because"),
    [
        ("frida.ng", "frida.ng", "you wrote it yourself"),
        ("paula.reyes", "ana.silva", "it takes a finance-director or chief-financial-officer"),
        ("paula.reyes", "gus.varga", "gus.varga is not an active person of the directory"),
        ("paula.reyes", "nobody", "nobody is not an active person of the directory"),
    ],
)
async def test_it_is_not_approved_by(ledger, author, by, because):
    proposal = await proposed(ledger, by=author)
    with pytest.raises(RefusedError, match=because):
        await approved(ledger, proposal, by)
    assert (await in_force(ledger)) == plain_policy()


@pytest.mark.parametrize(("of", "to"), [("paula.reyes", "frida.ng"), ("frida.ng", "paula.reyes")])
async def test_who_stands_in_for_the_author_or_the_other_way_round_does_not_approve(ledger, of, to):
    await lend(ledger, of, to)
    proposal = await proposed(ledger)
    with pytest.raises(RefusedError, match="both count as"):
        await approved(ledger, proposal)
    assert (await approved(ledger, proposal, "carl.moss")).new


async def test_a_lent_role_approves_no_policy(ledger):
    await lend(ledger, "frida.ng", "ana.silva")
    proposal = await proposed(ledger)
    with pytest.raises(RefusedError, match="which you are not"):
        await approved(ledger, proposal, "ana.silva")


async def test_what_is_not_proven_cannot_be_proposed(ledger):
    with pytest.raises(NotProvenError) as error:
        await proposed(ledger, stricter(300_000))
    assert {one.rule for one in error.value.proof.violations} == {"approvers"}
    assert (await ledger.read(POLICY)).seq == 1


async def test_a_policy_is_proven_for_the_people_of_the_day_it_takes_effect(ledger):
    later = date(2027, 1, 1)
    staff = tuple(
        one.model_copy(update={"grants": tuple(x.model_copy(update={"limit": None}) for x in one.grants)})
        for one in directory().people
    )
    people = directory().model_copy(update={"people": staff, "effective_from": later})
    await adopt(ledger, people, actor="door:test", at=NOON)
    with pytest.raises(NotProvenError):
        await proposed(ledger, stricter(300_000))
    assert await proposed(ledger, stricter(300_000, effective_from=later))


async def test_a_case_of_the_evening_before_goes_by_the_policy_of_that_day_and_one_after_midnight_by_the_next(hospital):
    await adopt(hospital.ledger, directory(), actor="door:test", at=hospital.now)
    proposal = await proposed(hospital.ledger, stricter(effective_from=date(2026, 12, 1)))
    await approved(hospital.ledger, proposal)
    gone_by = []
    for local in ("2026-11-30 18:01", "2026-12-01 00:01"):
        hospital.now = at(local)  # the first is the first of December in UTC already
        case = await hospital.submit("CENTRI-5", 1, by="sam.lind", centre="ICU")
        await hospital.wake(case)
        gone_by.append((await hospital.asks(case))[0].policy == proposal.object)
    assert gone_by == [False, True]
    assert (proposal.effective_from, proposal.zone) == ("2026-12-01", "America/Chicago")
    assert await hospital.verified()


async def test_who_left_in_between_makes_a_proposal_unproven(ledger):
    proposal = await proposed(ledger)
    staff = tuple(x for x in directory().people if x.id != "ivo.petrov")
    await adopt(ledger, directory().model_copy(update={"people": staff}), actor="door:test", at=NOON)
    with pytest.raises(NotProvenError):
        await approved(ledger, proposal)


async def test_of_several_who_approve_at_once_one_does_and_the_others_are_told_who(ledger):
    proposal = await proposed(ledger)
    told = await asyncio.gather(*(approved(ledger, proposal, by) for by in ("frida.ng", "carl.moss") * 4))
    assert sum(one.new for one in told) >= 1
    assert len({one.approver for one in told}) == 1
    assert len((await ledger.read(POLICY)).having("adopted")) == 2


async def test_of_two_proposals_approved_at_once_one_is_in_force_and_the_other_must_be_proposed_again(ledger):
    one, other = await proposed(ledger), await proposed(ledger, stricter(150_000), "ana.silva")
    tries = (approved(ledger, one, "frida.ng"), approved(ledger, other, "carl.moss"))
    taken, refused = sorted(
        await asyncio.gather(*tries, return_exceptions=True), key=lambda x: isinstance(x, RefusedError)
    )
    assert isinstance(taken, InForce)
    assert "another policy was put in force since" in str(refused)


def without(person: str) -> Directory:
    left = tuple(one for one in directory().people if one.id != person)
    return directory().model_copy(update={"people": left})


@pytest.mark.parametrize("first", ["policy", "directory"])
async def test_who_approves_while_the_other_of_policy_and_people_changes_is_told_that_they_may_not_agree(
    ledger, tmp_path, first
):
    policy, people = (
        await proposed(ledger),
        await propose_people(without("carl.moss"), "paula.reyes", "test", **of(ledger)),
    )
    ways = {
        "policy": partial(approve, policy.object, "frida.ng", "test"),
        "directory": partial(approve_people, people.object, "frida.ng", "test"),
    }
    later = next(name for name in ways if name != first)
    store = Overtaken(tmp_path)
    store.at, store.first = f"cases/book~{later}/", partial(ways[first], **of(ledger))
    told = await ways[later](**of(Ledger(store)))
    assert told.warning.startswith(f"\n⚠ The {first} was changed at the same moment")
    assert (told.new, told.words.endswith(told.warning)) == (True, True)


async def test_a_policy_is_proven_for_people_who_were_put_in_force_elsewhere_a_moment_ago(ledger, tmp_path):
    proposal, here = await proposed(ledger), of(Ledger(FolderStore(tmp_path)))
    await here["shelf"].in_force(NOON)
    await adopt(ledger, without("ana.silva"), actor="door:test", at=NOON)
    with pytest.raises(NotProvenError):
        await approve(proposal.object, "frida.ng", "test", **here)


async def test_a_former_policy_can_be_put_in_force_again(ledger):
    documents = (stricter(), plain_policy(), stricter())
    for document in documents:
        assert (await approved(ledger, await proposed(ledger, document))).new
        assert await in_force(ledger) == document


async def test_the_same_proposal_again_is_no_news_and_by_somebody_else_is_refused(ledger):
    assert await proposed(ledger) == await proposed(ledger)
    assert len((await ledger.read(POLICY)).having("proposed")) == 1
    with pytest.raises(RefusedError, match=r"paula\.reyes has proposed this policy already"):
        await proposed(ledger, by="ana.silva")


async def test_a_proposal_is_refused_that_would_change_nothing_or_never_take_effect(ledger):
    with pytest.raises(RefusedError, match="in force already"):
        await proposed(ledger, plain_policy())
    with pytest.raises(RefusedError, match="effective_from: 2025-01-01 is before"):
        await proposed(ledger, stricter(effective_from=date(2025, 1, 1)))


async def test_what_nobody_proposed_cannot_be_approved(ledger):
    with pytest.raises(RefusedError, match="nobody has proposed it"):
        await approve("abc", "frida.ng", "test", ledger=ledger, shelf=Shelf(ledger), at=NOON)


async def test_the_first_policy_needs_people_proof_and_nobodys_approval(tmp_path):
    ledger = Ledger(FolderStore(tmp_path))
    first = {"ledger": ledger, "shelf": Shelf(ledger), "at": NOON}
    poor: Directory = directory().model_copy(update={"people": directory().people[:5]})
    await adopt(ledger, poor, actor="door:test", at=NOON)
    with pytest.raises(NotProvenError):
        await adopt_first(plain_policy(), "test", **first)
    await adopt(ledger, directory(), actor="door:test", at=NOON)
    first["shelf"] = Shelf(ledger)
    for _ in range(2):
        await adopt_first(plain_policy(), "test", **first)
    assert (await ledger.read(POLICY)).seq == 1
    with pytest.raises(RefusedError, match="one is in force"):
        await adopt_first(stricter(), "test", **first)


def test_differences_are_told_field_by_field():
    assert differences(plain_policy(), stricter(off_contract=())) == [
        "off_contract.0: procurement-lead → nothing",
        "amount_max: 250000 → 200000",
    ]


async def test_what_the_laptops_seed_puts_in_force_holds_before_an_auditor(tmp_path):
    ledger = Ledger(FolderStore(tmp_path))
    with connect.bound(connect.Outside(ledger, Shelf(ledger))):
        await adopt_all()
        await adopt_all()
    assert (await verify(ledger)).findings == ()


async def test_the_laptops_seed_leaves_alone_what_people_have_put_in_force_since(tmp_path):
    ledger = Ledger(FolderStore(tmp_path))
    with connect.bound(connect.Outside(ledger, Shelf(ledger))):
        await adopt_all()
        version = await adopt(ledger, stricter(), actor="person:frida.ng", at=NOON)
        await adopt_all()
    assert (await ledger.read(POLICY)).last("adopted").body["object"] == version
    assert (await ledger.read(DIRECTORY)).seq == 1
