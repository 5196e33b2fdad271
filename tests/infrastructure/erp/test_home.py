"""One database, one process; secrets for their owner; a preparation that is complete or not there."""

import os
import stat
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from infrastructure.local.erp.home import ErpHome, ErpHomeError, ErpState, write_secret
from infrastructure.local.erp.prepare import reset
from infrastructure.local.erp.server import command


def state(root: Path) -> ErpState:
    """Make what a prepared ERP looks like from outside."""
    prepared = ErpHome(root).state
    prepared.database.parent.mkdir(parents=True)
    prepared.pristine.write_bytes(b"as seeded")
    prepared.database.write_bytes(b"in use")
    prepared.database.with_name("erp.sqlite-wal").write_bytes(b"not yet written")
    prepared.seed.write_text("{}")
    return prepared


def test_a_reset_brings_the_seed_back_and_drops_what_was_not_yet_written(tmp_path: Path):
    prepared = state(tmp_path)
    reset(ErpHome(tmp_path))
    assert prepared.database.read_bytes() == b"as seeded"
    assert [path.name for path in prepared.database.parent.iterdir()] == ["erp.sqlite"]


def test_what_is_being_served_is_neither_reset_nor_served_twice(tmp_path: Path):
    prepared = state(tmp_path)
    lock = prepared.alone()
    try:
        with pytest.raises(ErpHomeError, match="stop it first"):
            reset(ErpHome(tmp_path))
        with pytest.raises(ErpHomeError, match="stop it first"):
            prepared.alone()
    finally:
        os.close(lock)
    assert prepared.database.read_bytes() == b"in use"


def test_a_secret_is_for_its_owner_only(tmp_path: Path):
    write_secret(tmp_path / "key", "s")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_it_is_served_by_one_thread_of_one_worker_on_loopback(tmp_path: Path):
    words = command(ErpHome(tmp_path), 23000)
    options = dict(pairwise(words))
    assert (options["--workers"], options["--threads"], options["--bind"]) == ("1", "1", "127.0.0.1:23000")


@pytest.mark.parametrize("act", ["serve", "reset"])
def test_without_a_preparation_it_says_what_to_do(act: str, tmp_path: Path):
    words = [sys.executable, "-m", "infrastructure.local.erp", act, "--home", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 -- our own words
    assert done.returncode == 1
    assert "erp prepare` first" in done.stderr
    assert "Traceback" not in done.stderr
