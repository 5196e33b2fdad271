"""`almoner ledger explain` of a case that was harmed: said in red, ends with 1, and is proven to nobody."""

import json

from blocks.ledger import entry_key
from blocks.wire.canonical import canonical
from tests.infrastructure.commands.test_ledger_audit import said


def test_of_a_case_that_does_not_hold_together_what_was_sealed_before_is_told_and_the_next_step(tmp_path, case):
    path = tmp_path / "store" / entry_key(case, 2)
    path.write_bytes(path.read_bytes().replace(b"KNEE", b"KNIE"))
    told = said("explain", case)
    assert told.exit_code == 1
    assert "✗ It does not hold: " in told.stdout.splitlines()[2]
    assert "does not follow the entry before it; what is told here is its first entry" in told.stdout
    assert "approve by" not in told.stdout
    assert told.stdout.rstrip().endswith("infrastructure/runbooks/evidence.md")
    assert said("explain", case, "--html", str(tmp_path / "page.html")).exit_code == 1
    assert "Does not hold" in (tmp_path / "page.html").read_text()


def test_of_a_case_whose_end_was_taken_away_that_is_told_and_no_proof_is_written(tmp_path, case):
    last = max((tmp_path / f"store/cases/{case}").iterdir())
    assert "the log holds no later entry of it" in said("explain", case).stdout
    last.unlink()
    told, gone = said("explain", case), f"entry {int(last.stem)} was written and is gone"
    assert told.exit_code == 1
    assert told.stdout.splitlines()[2] == f"✗ It does not hold: {gone}: the signed log holds it"
    assert "under the head" not in told.stdout
    as_json = said("explain", case, "--json")
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout)["broken"].startswith(gone)
    assert as_json.stderr == f"✗ {case}: It does not hold: {gone}: the signed log holds it\n"
    assert said("explain", case, "--html", str(tmp_path / "page.html")).exit_code == 1
    assert gone in (tmp_path / "page.html").read_text()
    bundled = said("explain", case, "--bundle", str(tmp_path / "case.bundle"))
    assert bundled.exit_code == 1
    assert gone in bundled.stderr
    assert not (tmp_path / "case.bundle").exists()


def test_a_document_that_an_approver_was_shown_and_that_is_gone_is_told_in_red(tmp_path, case, monkeypatch):
    shown = json.loads(said("explain", case, "--json").stdout)["questions"][0]["shown"]
    (tmp_path / "store" / "objects" / shown).unlink()
    assert said("explain", case, "--json").exit_code == 1
    monkeypatch.setenv("FORCE_COLOR", "1")
    told = said("explain", case)
    assert told.exit_code == 1
    assert "\x1b[1;31m✗ NOT kept: the document that was shown is gone" in told.stdout
    assert "What Ivo Petrov was shown is NOT kept" in told.stdout
    assert "infrastructure/runbooks/evidence.md" in told.stdout


def test_a_forged_case_is_told_in_red_and_bundled_by_nobody(tmp_path, case):
    last = max((tmp_path / f"store/cases/{case}").iterdir())
    entry = json.loads(last.read_bytes())
    entry["lines"][-1]["at"] = "2026-11-24T12:00:00Z"
    last.write_bytes(canonical(entry))
    told = said("explain", case)
    assert told.exit_code == 1
    assert "✗ It does not hold" in told.stdout
    assert "cosigned" not in told.stdout
    bundled = said("explain", case, "--bundle", str(tmp_path / "case.bundle"))
    assert bundled.exit_code == 1
    assert not (tmp_path / "case.bundle").exists()
