"""What every test may ask for."""

from pathlib import Path

import hypothesis
import pytest

from tests.buckets import ministack, seaweed, server
from tests.hospital import Hospital

__all__ = ["ministack", "seaweed", "server"]


@pytest.fixture
async def hospital(tmp_path: Path) -> Hospital:
    """A small hospital with policy and people in force."""
    return await Hospital.opened(tmp_path / "store")


hypothesis.settings.register_profile("ours", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("ours")
