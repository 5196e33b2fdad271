"""However a supervisor ends, its servers end with it. Real supervisors in processes of their own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure.local.stack.child import PROJECT
from tests.infrastructure.stack.small_servers import alive, wait_until


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    program = Path(__file__).with_name("two_servers.py")
    with subprocess.Popen(  # noqa: S603 -- our own program
        [sys.executable, str(program), str(tmp_path / "home")],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    ) as running:
        assert running.stdout is not None
        running.stdout.readline()
        yield running
        running.kill()


def parts(tmp_path: Path) -> list[int]:
    board = json.loads((tmp_path / "home" / "run" / "parts.json").read_text())
    return both_alive([part["pid"] for part in board.values()])


def keepers_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return both_alive([int(child) for task in tasks for child in task.read_text().split()])


def both_alive(found: list[int]) -> list[int]:
    """Where nothing runs, nothing can be left behind."""
    assert [alive(pid) for pid in found] == [True, True]
    return found


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_orderly_end_leaves_no_process_behind(
    supervisor: "subprocess.Popen[str]", tmp_path: Path, how: signal.Signals
) -> None:
    servers, keepers = parts(tmp_path), keepers_of(supervisor.pid)
    supervisor.send_signal(how)
    assert supervisor.wait(20) == 0
    assert not any(map(alive, servers + keepers))


def test_killing_the_supervisor_outright_leaves_no_process_behind(
    supervisor: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    everything = parts(tmp_path) + keepers_of(supervisor.pid)
    supervisor.kill()
    wait_until(lambda: not any(map(alive, everything)))


def test_killing_supervisor_and_keepers_at_once_leaves_no_process_behind(
    supervisor: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    servers = parts(tmp_path)
    for pid in (*keepers_of(supervisor.pid), supervisor.pid):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(alive, servers)))


def test_a_second_ctrl_c_does_not_wait_for_grace(supervisor: "subprocess.Popen[str]", tmp_path: Path) -> None:
    servers = parts(tmp_path)
    for pid in servers:
        os.kill(pid, signal.SIGSTOP)  # deaf to SIGTERM for as long as it lasts
    supervisor.send_signal(signal.SIGINT)
    wait_until(lambda: "stopping" in (supervisor.stderr.readline() if supervisor.stderr else ""))
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(4) == 0
    assert not any(map(alive, servers))


def test_only_one_supervisor_runs_from_a_home(supervisor: "subprocess.Popen[str]", tmp_path: Path) -> None:
    program = Path(__file__).with_name("two_servers.py")
    second = subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, str(program), str(tmp_path / "home")],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    assert second.returncode == 2
    assert f"already runs from {tmp_path / 'home'} (process {supervisor.pid})" in second.stderr
    assert "Traceback" not in second.stderr
