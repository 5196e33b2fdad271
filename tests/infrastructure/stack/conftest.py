"""What the tests of the stack share."""

from pathlib import Path

import pytest

from infrastructure.local.stack.ports import free_family
from infrastructure.local.stack.site import Site
from tests.infrastructure.stack.small_servers import Listener


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site.open(tmp_path / "home", free_family())


@pytest.fixture
def listener() -> Listener:
    return Listener()
