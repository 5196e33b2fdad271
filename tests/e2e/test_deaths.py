"""The worker dies at the worst moment, or comes back with other code: one order all the same."""

import asyncio
import re
import shutil
import threading
from pathlib import Path

import pytest

from tests.e2e.house import House

PROJECT = Path(__file__).parents[2]
CREATE, CONFIRM = r"POST /erp/rest/model/purchase\.purchase$", r"POST .*/purchase\.purchase/\d+/confirm$"


@pytest.mark.parametrize(
    ("request_", "moment"),
    [
        pytest.param(CREATE, "before", id="before-anything", marks=pytest.mark.long),
        pytest.param(CREATE, "after", id="with-a-draft", marks=pytest.mark.long),
        pytest.param(CONFIRM, "before", id="before-the-commit"),
        pytest.param(CONFIRM, "after", id="after-the-commit"),
    ],
)
async def test_a_worker_killed_while_it_orders_leaves_one_order(house: House, request_: str, moment: str) -> None:
    died = threading.Event()

    def kill() -> None:
        house.stack.kill("worker")
        died.set()

    house.seam.arm(request_, moment, kill)
    case = await house.submit("IVSET-20", 11, by="sam.lind", centre="ED")
    assert (await house.ended(case, within_s=180)).ended == "ordered"
    assert died.is_set()
    await house.assert_settled(case)
    (made,) = (await house.chain(case)).having("outcome")
    assert made.body["how"] == ("adopted" if (request_, moment) == (CONFIRM, "after") else "made")
    await house.run_ends(case, "Ordered")
    (run,) = await house.runs(case)
    assert "Crashed" in await house.states(run)


@pytest.mark.long
async def test_a_release_while_people_decide_repeats_nothing(house: House, tmp_path: Path) -> None:
    case = await house.submit("SVC-CALIB", 7)
    await house.sleeps(case)
    asked = await house.asked(case)
    release(tmp_path)
    house.released.append(tmp_path)
    try:
        await asyncio.to_thread(house.stack.restart, "worker")
        await house.click(asked, "leo.brandt")
        outcome = await house.assert_settled(case)
    finally:
        house.released.clear()
        await asyncio.to_thread(house.stack.restart, "worker")
    assert outcome.because.startswith("RELEASED: order")  # it was the new source that ran
    chain = await house.chain(case)
    looks = [line for line in chain.having("step") if line.body["step"] == "look_up"]
    assert len(looks) == 2  # one before the sleep, one after the approval
    assert (len(chain.having("asked")), len(chain.having("posted"))) == (1, 1)


def release(folder: Path) -> None:
    """Make a copy of the project in which the process, and steps it has done already, read differently."""
    for package in ("flows", "tasks", "blocks", "infrastructure"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / package, folder / package, ignore=ignored)
    edit(folder / "flows" / "requisition.py", 'because = f"order ', 'because = f"RELEASED: order ')
    edit(
        folder / "tasks" / "purchasing.py",
        "    before = await _read_funds(",
        "    assert look\n    before = await _read_funds(",
    )
    edit(folder / "tasks" / "notify.py", '"""Tell the requester how it ended', '"""Let the requester know')


def edit(file: Path, old: str, new: str) -> None:
    """Replace one passage, which must be there."""
    text, count = re.subn(re.escape(old), lambda _: new, file.read_text())
    assert count, f"{file.name} has no {old!r}"
    file.write_text(text)
