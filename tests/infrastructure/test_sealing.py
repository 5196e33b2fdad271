"""The stack's own log: what a process wrote is under a signed head within moments, and by hand at once."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blocks.ledger import Chain, Ledger
from blocks.ports import Store
from blocks.records.ledger import Line
from blocks.sealing.log import Head, Log
from blocks.sealing.notes import HeadsLog
from blocks.sealing.witness import Witnessed
from blocks.store import FolderStore
from blocks.wire.signed_note import PublicKey
from infrastructure.local.stack.running import BackgroundStack, Wish, background_stack
from tests.blocks.conftest import s3_store
from tests.buckets import installed_tools

PATIENCE_S = 30


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackgroundStack]:
    home = tmp_path_factory.mktemp("sealing") / "home"
    home.mkdir()
    (home / "tools").symlink_to(installed_tools())
    with background_stack(Wish(home, only=("witness",))) as running:
        yield running


def store_of(stack: BackgroundStack) -> Store:
    return s3_store(stack, prefix="/")


def log_of(stack: BackgroundStack) -> Log:
    return Log(store_of(stack), PublicKey.parse(stack.environment()["ALMONER_LOG_FIRST_KEY"]))


async def written(store: Store, case: str, *, noted: bool = True) -> Chain:
    heads = HeadsLog(store)
    line = Line(act="step", actor="process:test", at=datetime.now(UTC))
    chain = await Ledger(store, [heads]).append(Chain(case), [line])
    if noted:
        await heads.flush(datetime.now(UTC))
    return chain


async def until_sealed(stack: BackgroundStack, case: str, since: datetime) -> Head:
    log, until = log_of(stack), time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        proof = await log.inclusion(case, 1, since=since)
        if proof:
            assert proof.holds
            return proof.head
        await asyncio.sleep(0.1)
    raise AssertionError(f"{case} did not come under a signed head")


def almoner(stack: BackgroundStack, *arguments: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ALMONER_")}
    home = str(stack.site.home.path)
    return subprocess.run(  # noqa: S603 -- our own command
        [str(Path(sys.executable).parent / "almoner"), *arguments],
        env={**inherited, "ALMONER_HOME": home}, capture_output=True, text=True, check=False,
    )  # fmt: skip


async def test_an_entry_comes_under_a_signed_head_by_itself_also_after_the_sealer_was_killed(stack: BackgroundStack):
    since = datetime.now(UTC)
    for case in ("RQ-1", "RQ-2"):
        await written(store_of(stack), case)
        await until_sealed(stack, case, since)
        await asyncio.to_thread(stack.kill, "log", signal.SIGKILL)


async def test_the_witness_cosigns_what_was_sealed(stack: BackgroundStack):
    since, own = datetime.now(UTC), stack.environment()
    await written(store_of(stack), "RQ-W")
    sealed = await until_sealed(stack, "RQ-W", since)
    witnessed = Witnessed(
        FolderStore(Path(own["ALMONER_WITNESS_STORE"])), PublicKey.parse(own["ALMONER_WITNESS_PUBLIC_KEY"])
    )
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        seen = await witnessed.head()
        if seen and seen.checkpoint.size >= sealed.checkpoint.size:
            return
        await asyncio.sleep(0.2)
    raise AssertionError("the witness did not cosign")


async def test_only_the_part_that_signs_is_given_the_key(stack: BackgroundStack):
    assert not {"ALMONER_LOG_KEY", "ALMONER_WITNESS_KEY"} & stack.environment().keys()
    assert "PRIVATE+KEY" not in json.dumps(stack.environment())


async def test_by_hand_also_an_entry_that_nobody_noted_is_sealed(stack: BackgroundStack):
    since = datetime.now(UTC)
    await written(store_of(stack), "RQ-3", noted=False)
    told = await asyncio.to_thread(almoner, stack, "ledger", "seal")
    assert "under a signed head" in told.stdout, told.stderr
    await until_sealed(stack, "RQ-3", since)


async def test_the_key_is_handed_over_by_one_command_and_the_log_is_still_believed(stack: BackgroundStack):
    told = await asyncio.to_thread(almoner, stack, "ledger", "keys", "handover")
    assert "signs" in told.stdout, told.stderr
    listed = await asyncio.to_thread(almoner, stack, "ledger", "keys")
    assert listed.stdout.count("laptop.almoner.invalid/ledger+") == 2
    since = datetime.now(UTC)
    await written(store_of(stack), "RQ-4", noted=False)
    assert (await asyncio.to_thread(almoner, stack, "ledger", "seal")).returncode == 0
    await until_sealed(stack, "RQ-4", since)
