"""Commands are typed in a home of their own: nobody who runs the tests is logged in there."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALMONER_HOME", str(tmp_path / "home"))
