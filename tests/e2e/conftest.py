"""One stack for all of these tests; what it costs to prepare (tools, ERP) is kept between runs."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infrastructure.local.erp.home import ErpHome
from infrastructure.local.erp.prepare import reset, seeded_digest
from infrastructure.local.stack.foreground import forget
from infrastructure.local.stack.laptop import LAPTOP
from infrastructure.local.stack.ports import free_family
from infrastructure.local.stack.running import Wish, background_stack
from infrastructure.local.stack.site import Site
from infrastructure.local.stack.trouble import StackError
from tests.e2e.house import House
from tests.e2e.seam import seam_before
from tests.needs import missing


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def fresh_home() -> Path:
    """A home without a history, but with its tools and a seeded ERP from an earlier run where there is one."""
    root = Path(os.environ.get("ALMONER_TEST_HOME", ".almoner-test")).absolute()
    home, kept = root / "e2e", root / "e2e-erp"
    root.mkdir(exist_ok=True)
    if (home / "erp").exists():
        shutil.rmtree(kept, ignore_errors=True)
        (home / "erp").rename(kept)
    forget(home)
    if as_wanted(kept):
        home.mkdir(exist_ok=True)
        kept.rename(home / "erp")
        reset(ErpHome(home))
    return home


def as_wanted(kept: Path) -> bool:
    """Whether an ERP is complete and holds the hospital as it is described now."""
    if not (kept / "seed.json").exists():
        return False
    return bool(json.loads((kept / "seed.json").read_text()).get("hospital") == seeded_digest())


@pytest.fixture(scope="session")
def house(fresh_home: Path) -> Iterator[House]:
    family, released = free_family(), list[Path]()
    worker = next(part for part in LAPTOP if part.name == "worker")

    def command(site: Site) -> list[str]:
        elsewhere = ["env", f"--chdir={released[-1]}"] if released else []
        return [*elsewhere, *worker.command(site)]

    def environment(site: Site) -> dict[str, str]:
        own = worker.environment(site) if worker.environment else {}
        return {**own, "ALMONER_ERP_URL": seam.address}

    ours = replace(worker, command=command, environment=environment)
    parts = [ours if part is worker else part for part in LAPTOP]
    with seam_before(family["erp"]) as seam:
        running = background_stack(Wish(fresh_home, ports=family, parts=parts))
        try:
            stack = running.__enter__()
        except StackError as trouble:
            missing(f"The stack cannot run here: {trouble}")
        try:
            yield House(stack, seam, released)
        finally:
            running.__exit__(None, None, None)


@pytest.fixture(autouse=True)
def surroundings(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test's own process talk to the stack as its parts do."""
    for name, value in house.env.items():
        if name.startswith(("ALMONER_", "AWS_", "SLACK_", "PREFECT_")):
            monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where pictures go: $ALMONER_SCREENSHOTS."""
    folder = Path(os.environ.get("ALMONER_SCREENSHOTS", ".ci/out"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
