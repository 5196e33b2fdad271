"""`almoner decide`, as somebody types it: the same decision function as behind the card in Slack."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from blocks.ledger import Chain
from blocks.records.routes import Approver, Band, Step, Tier
from blocks.rulebook import adopt
from infrastructure.commands.decide import app
from tests.hospital import MORNING, Hospital, plain_policy, two_coordinators
from tests.infrastructure.doors.conftest import SlackLike


class Waiting:
    """A hospital with one request that waits for an implant coordinator."""

    def __init__(self, root: Path, quantity: int = 3) -> None:
        self.hospital, self.case = asyncio.run(self._begun(root, quantity))

    async def _begun(self, root: Path, quantity: int) -> tuple[Hospital, str]:
        hospital = await Hospital.opened(root)
        hospital.desk = SlackLike()
        await adopt(hospital.ledger, two_coordinators(), actor="door:test", at=MORNING)
        case = await hospital.submit("KNEE-TIB-4", quantity)
        assert await hospital.wake(case) is None
        return hospital, case

    def say(self, *words: str, by: str = "ivo.petrov") -> Result:
        with self.hospital.bound():
            return CliRunner().invoke(app, [self.case, *words, *(["--as", by] if by else [])])

    def seen(self) -> str:
        return self.say(by="").stdout.split("shown as")[1].split()[0].rstrip(";")

    def chain(self) -> Chain:
        return asyncio.run(self.hospital.chain(self.case))


@pytest.fixture
def waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Waiting:
    monkeypatch.setenv("ALMONER_STORE", str(tmp_path))
    monkeypatch.setenv("ALMONER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ALMONER_BELL_URL", raising=False)
    return Waiting(tmp_path)


def test_a_request_is_shown_as_its_card_shows_it(waiting):
    told = waiting.say(by="")
    assert told.exit_code == 0
    lines = [line.strip() for line in told.stdout.splitlines()]
    assert lines[0] == f"{waiting.case}  waits for implant-coordinator of OR"
    assert lines[1] == "3 × Tibial tray 4, $8,670.00"
    assert "for         OR, asked by Rita Okafor" in lines
    assert lines[-1].startswith("shown as")
    assert len(waiting.seen()) == 12


def test_what_was_seen_is_approved_and_the_card_shows_it(waiting):
    told = waiting.say("approve", "--shown", waiting.seen())
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith(f"✓ You approved {waiting.case}.\nNobody heard the bell")
    line = waiting.chain().last("decided")
    assert line.actor == "person:ivo.petrov"
    assert line.source.startswith("cli-unproven~")
    (card,) = waiting.hospital.desk.cards("approvals")
    assert "Approved by Ivo Petrov" in str(card.blocks) + card.text
    assert asyncio.run(waiting.hospital.wake(waiting.case)) is None
    assert waiting.say(by="").stdout.startswith(f"{waiting.case}  waits for department-manager of OR\n")


def test_who_cannot_be_asked_names_what_they_have_seen(waiting):
    told = waiting.say("approve")
    assert told.exit_code == 1
    assert f"--shown {waiting.seen()}" in told.stderr
    assert "3 × Tibial tray 4" in told.stdout


@pytest.fixture
def both(waiting: Waiting) -> tuple[Waiting, list[str]]:
    """A case that asks two at once, and by which letters each was shown."""

    async def asked() -> list[str]:
        rules = plain_policy()
        step = Step(approvers=(Approver(who="implant-coordinator"), Approver(who="finance-director")))
        tiers = (Tier(band=Band(lower=Decimal(0)), steps=(step,)),)
        matrices = tuple(
            one.model_copy(update={"tiers": tiers}) if one.category == "implants" else one for one in rules.matrices
        )
        rules = rules.model_copy(update={"matrices": matrices, "effective_from": MORNING.date()})
        await adopt(waiting.hospital.ledger, rules, actor="door:test", at=MORNING)
        waiting.case = await waiting.hospital.submit("KNEE-TIB-4", 3)
        assert await waiting.hospital.wake(waiting.case) is None
        return [str(line.seen)[:12] for line in (await waiting.hospital.chain(waiting.case)).having("asked")]

    return waiting, asyncio.run(asked())


def test_of_two_that_are_asked_at_once_each_is_shown_and_one_names_which_one_means(both):
    waiting, (first, second) = both
    assert waiting.say(by="").stdout.count("shown as") == 2
    unnamed = waiting.say("approve")
    assert (unnamed.exit_code, f"--shown {first} (implant-coordinator) or --shown {second}" in unnamed.stderr) == (
        1,
        True,
    )
    assert waiting.say("approve", "--shown", first).exit_code == 0
    assert waiting.say("approve", "--shown", second, by="frida.ng").exit_code == 0
    assert [line.actor for line in waiting.chain().having("decided")] == ["person:ivo.petrov", "person:frida.ng"]


@pytest.mark.parametrize("shown", ["0123456789ab", "0", ""])
def test_what_nobody_was_shown_is_not_approved(waiting, shown):
    told = waiting.say("approve", "--shown", shown or "x")
    assert told.exit_code == 1
    assert "has changed since the card you saw" in told.stderr


def test_a_no_says_why_and_fewer_are_fewer(waiting):
    seen = waiting.seen()
    assert "Please say why" in waiting.say("reject", "--shown", seen).stderr
    assert "2 of 3" in waiting.say("approve", "--shown", seen, "--quantity", "2").stdout
    late = waiting.say("reject", "--shown", seen, "--note", "too many")
    assert (late.exit_code, "Already approved by Ivo Petrov (2 of 3)" in late.stderr) == (1, True)


def test_who_may_not_decide_is_told_so(waiting):
    told = waiting.say("approve", "--shown", waiting.seen(), by="mei.tan")
    assert told.exit_code == 1
    assert not waiting.chain().having("decided")


def test_a_request_is_held_resumed_handed_over_asked_about_and_withdrawn(waiting):
    desk = waiting.hospital.desk
    assert waiting.say("hold", "--note", "until the audit").stdout == f"✓ You put {waiting.case} on hold.\n"
    assert waiting.say("resume").exit_code == 0
    handed = waiting.say("hand-over", "--to", "paula.reyes")
    assert handed.stdout == f"✓ You handed {waiting.case} over to Paula Reyes.\n"
    assert "hands *RQ-" in str(desk.messages)
    assert waiting.say("ask", "--note", "Which side?", by="paula.reyes").stdout == "✓ You asked Rita Okafor.\n"
    assert waiting.chain().last("question").source.startswith("cli-unproven~")
    assert waiting.say("add", "--to", "carl.moss").exit_code == 0
    assert "Only Rita Okafor or their manager" in waiting.say("withdraw").stderr
    assert "You withdrew" in waiting.say("withdraw", by="rita.okafor").stdout
    acts = {line.act for line in waiting.chain().lines}
    assert acts >= {"held-ask", "resumed", "handed", "question", "added", "withdrawn"}


def test_a_question_needs_words(waiting):
    assert waiting.say("ask").stderr == "✗ Please write what you want to know.\n"


def test_where_policy_asks_for_passkeys_nobody_decides_by_a_claim(waiting):
    strict = plain_policy().model_copy(update={"step_up_from": Decimal(2000)})
    asyncio.run(adopt(waiting.hospital.ledger, strict, actor="door:test", at=MORNING))
    told = waiting.say("approve", "--shown", waiting.seen())
    assert "policy asks for passkeys, so --as alone does not say who you are" in told.stderr


def test_a_case_that_is_none_is_said_to_be_none(waiting):
    with waiting.hospital.bound():
        told = CliRunner().invoke(app, ["RQ-NONE"])
    assert (told.exit_code, told.stderr) == (1, "✗ RQ-NONE: the ledger has no such case\n")
