"""What every test may ask for."""

from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.buckets import ministack, seaweed, server
from tests.dealing import ByServers, longest_first
from tests.hospital import Hospital

__all__ = ["ministack", "seaweed", "server"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByServers:
    return ByServers(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first(items)


@pytest.fixture
async def hospital(tmp_path: Path) -> Hospital:
    """A small hospital with policy and people in force."""
    return await Hospital.opened(tmp_path / "store")


hypothesis.settings.register_profile("ours", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("ours")
