"""What every test may ask for."""

from pathlib import Path

import pytest

from tests.hospital import Hospital


@pytest.fixture
async def hospital(tmp_path: Path) -> Hospital:
    """A small hospital with policy and people in force."""
    return await Hospital.opened(tmp_path / "store")
