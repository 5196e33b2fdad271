"""Commands are typed in a home of their own: nobody who runs the tests is logged in there."""

import asyncio
from pathlib import Path

import pytest

from tasks.results import keep_result, result_of
from tests.hospital import Hospital
from tests.sealing import KEY, WITNESS, seal, witness


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALMONER_HOME", str(tmp_path / "home"))


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A case that was ordered, sealed and witnessed, in the store that the environment names."""

    async def made() -> str:
        hospital = await Hospital.opened(tmp_path / "store")
        name = await hospital.submit("KNEE-TIB-4", 1, reason="the tray [left] for [/tmp]")
        await hospital.wake(name)
        await hospital.answer(name, "ivo.petrov", note="[bold]fine[/bold]")
        outcome = await hospital.wake(name)
        assert outcome is not None
        await keep_result(result_of(await hospital.chain(name), outcome), hospital.ledger)
        await seal(hospital)
        await witness(hospital, tmp_path / "witness")
        return name

    monkeypatch.setenv("ALMONER_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("ALMONER_LOG_FIRST_KEY", KEY.public.text)
    monkeypatch.setenv("ALMONER_WITNESS_PUBLIC_KEY", WITNESS.public.text)
    monkeypatch.setenv("ALMONER_WITNESS_STORE", str(tmp_path / "witness"))
    return asyncio.run(made())
