"""`almoner policy`, as somebody types it."""

import asyncio
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from infrastructure.commands.policy import app
from tests.hospital import Hospital

SEED = files("infrastructure.local.hospital")
RULES, STAFF = (json.loads(SEED.joinpath(name).read_bytes()) for name in ("policy.json", "directory.json"))
RULES = {name: what for name, what in RULES.items() if name not in {"clock", "step_up_from"}}


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALMONER_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)


def say(*words: str) -> Result:
    return CliRunner().invoke(app, [*words])


def written(name: str, document: dict[str, Any], **changed: Any) -> str:
    Path(name).write_text(json.dumps(document | changed))
    return name


def without(*people: str) -> list[Any]:
    return [one for one in STAFF["people"] if one["id"] not in people]


def begun() -> None:
    assert say("adopt", written("people.json", STAFF)).exit_code == 0
    assert say("adopt", written("policy.json", RULES)).exit_code == 0


def test_a_proven_policy_is_said_to_be_with_what_was_tried():
    told = say("check", written("policy.json", RULES), "--directory", written("people.json", STAFF))
    assert told.exit_code == 0
    assert "⚠ while Frida Ng is away" in told.stdout
    assert "✓ proven, 8 warnings\ntried 99 amounts, 49 routes, 6 cost centres, 11 people in" in told.stdout


def test_a_violation_is_told_with_remedy_and_field_and_leaves_with_1():
    staff = written("people.json", STAFF, people=without("ivo.petrov"))
    told = say("check", written("policy.json", RULES), "--directory", staff)
    assert told.exit_code == 1
    lines = [line.strip() for line in told.stdout.splitlines()]
    place = lines.index("policy.matrices.1.tiers.0.roles")
    assert lines[place - 1] == "→ name one there with a limit of 250,000.00 USD"
    assert "✗ 1 violation, 11 warnings: it cannot take effect" in lines


def test_machines_read_the_same():
    staff = written("people.json", STAFF, people=without("ivo.petrov"))
    told = say("check", written("policy.json", RULES), "--directory", staff, "--json")
    assert told.exit_code == 1
    proof = json.loads(told.stdout)
    assert (proof["findings"][0]["level"], proof["findings"][0]["rule"]) == ("violation", "approvers")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"amount_max": "0"}, "✗ amount_max: Input should be greater than 0"),
        ({"matrices": RULES["matrices"][1:]}, "✗ file: each of"),
    ],
)
def test_what_is_no_policy_is_told_by_field(changed, says):
    told = say("check", written("policy.json", RULES, **changed), "--directory", written("people.json", STAFF))
    assert (told.exit_code, says in told.stderr) == (1, True)


def test_a_file_is_read_with_the_mark_of_an_editor_and_is_told_what_it_is_where_it_is_none():
    text, staff = Path(written("policy.json", RULES)).read_bytes(), written("people.json", STAFF)
    Path("bom.json").write_bytes(b"\xef\xbb\xbf" + text)
    assert say("check", "bom.json", "--directory", staff).exit_code == 0
    Path("wide.json").write_bytes(text.decode().encode("utf-16"))
    told = say("check", "wide.json")
    assert (told.exit_code, told.stderr) == (
        1, "✗ wide.json: it is not UTF-8 text: save it as UTF-8, and try again\n",
    )  # fmt: skip
    told = say("check", staff)
    assert "these are people, and no policy: `almoner people propose people.json`" in told.stderr


def test_without_people_the_first_policy_waits_for_them():
    told = say("adopt", written("policy.json", RULES))
    assert told.exit_code == 1
    assert "no directory is in force" in told.stderr


def test_a_second_policy_is_proposed_by_one_and_approved_by_another():
    begun()
    next_one = written("next.json", RULES, amount_max="200000")
    told = say("adopt", next_one)
    assert (told.exit_code, "almoner policy propose FILE" in told.stderr) == (1, True)
    told = say("propose", next_one, "--as", "paula.reyes")
    assert told.exit_code == 0
    version = told.stdout.split("almoner policy approve ")[1][:12]
    assert say("proposals").stdout.endswith("amount_max: 250000 → 200000\n")
    told = say("approve", version, "--as", "paula.reyes")
    assert (told.exit_code, "✗ you wrote it yourself" in told.stderr) == (1, True)
    told = say("approve", version, "--as", "frida.ng")
    assert told.stdout == "✓ in force from 2026-01-01: paula.reyes wrote it, frida.ng approved it\n"
    told = say("approve", version, "--as", "carl.moss")
    assert told.stdout == "It is in force already: paula.reyes wrote it, frida.ng approved it.\n"
    assert say("proposals").stdout == "Nothing waits for approval.\n"


def test_what_is_not_proven_is_not_proposed():
    begun()
    told = say("propose", written("next.json", RULES, amount_max="300000"), "--as", "paula.reyes")
    assert (told.exit_code, told.stderr) == (1, "✗ It was not taken: it is not proven.\n")
    assert "nobody active may decide as department-manager" in told.stdout


def test_once_a_policy_is_in_force_people_are_proposed_too():
    begun()
    told = say("adopt", written("people.json", STAFF, people=without("ivo.petrov"), effective_from="2026-02-01"))
    assert told.exit_code == 1
    assert "a policy was adopted: `almoner people propose FILE`, and somebody else approves it" in told.stderr


async def decided(root: Path) -> str:
    hospital = await Hospital.opened(root)
    case = await hospital.submit("SVC-CALIB", 8)
    await hospital.wake(case)
    await hospital.answer(case, "ana.silva")
    await hospital.wake(case)
    return case


ASKED = {"requester": "rita.okafor", "cost_centre": "OR", "item": "HIP-STEM-12", "quantity": 2}


def test_a_request_is_explained_without_the_erp_where_enough_is_supposed():
    begun()
    told = say(
        "explain", written("request.json", ASKED), "--category", "capital", "--amount", "9,000.00", "--no-contract"
    )
    assert told.exit_code == 0, told.stderr
    assert "1. department manager  to ask\nbecause: capital from $5,000.00 below $100,000.00\n" in told.stdout
    assert "  ✓ Ana Silva: department-manager of OR, ICU, ED, up to $250,000.00" in told.stdout
    assert "3. procurement lead  to ask\nbecause: no contract fixes the price" in told.stdout
    told = say("explain", "request.json", "--category", "capital", "--amount", "9000", "--json")
    assert [one["role"] for one in json.loads(told.stdout)["steps"]] == ["department-manager", "finance-director"]


def test_a_case_is_explained_and_one_of_both_is_named(tmp_path):
    case = asyncio.run(decided(tmp_path / "store"))
    told = say("explain", "--case", case)
    assert "1. department manager  approved by Ana Silva, 23 Nov 14:01 UTC" in told.stdout
    assert told.stdout.splitlines()[-1].startswith("ordered: order ")
    assert say("explain").exit_code == 2
    assert "book~policy cannot be explained: not a requisition" in say("explain", "--case", "book~policy").stderr
    assert "the ledger has no case RQ-NONE" in say("explain", "--case", "RQ-NONE").stderr
    told = say("explain", written("request.json", ASKED), "--category", "capital", "--amount", "much")
    assert (told.exit_code, "say 12500.50" in told.stderr) == (2, True)


def test_a_policy_is_tried_on_past_cases(tmp_path):
    case = asyncio.run(decided(tmp_path / "store"))
    matrices = [one for one in RULES["matrices"] if one["category"] != "services"]
    tiers = [{"band": {"lower": "0"}, "roles": ["implant-coordinator", "department-manager"]}]
    proposed = written("next.json", RULES, matrices=[*matrices, {"category": "services", "tiers": tiers}])
    told = say("try", proposed, "--since", "2026-01-01")
    assert told.exit_code == 0, told.stderr
    assert told.stdout.startswith("1 case replayed, 0 would go the same way\n")
    assert "implant-coordinator → department-manager" in told.stdout
    told = say("try", proposed, "--since", "2027-01-01", "--json")
    assert json.loads(told.stdout)["skipped"] == {"received before 2027-01-01": 1}
    assert case.startswith("RQ-")
