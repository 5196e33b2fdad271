"""The `almoner` command, as somebody types it."""

import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.cli import COMMANDS
from infrastructure.local.stack.child import PROJECT
from infrastructure.local.stack.ports import free_family
from infrastructure.local.stack.site import Site
from tests.infrastructure.stack.small_servers import alive


def almoner(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-m", "infrastructure.cli", *words],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    told = almoner("--help", PYTHONPROFILEIMPORTTIME="1")
    assert all(f" {name} " in told.stdout for name in COMMANDS)
    imported = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines()}
    assert "typer" in imported
    assert imported.isdisjoint({"prefect", "httpx", "boto3", "polars", "pydantic", "infrastructure.local"})


def test_help_is_quick() -> None:
    took = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        almoner("--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(took) < 0.4  # of the processor's time: a busy machine must not fail it


@pytest.mark.parametrize("name", ["up", "down", "status", "logs", "env"])
def test_every_command_explains_itself(name: str) -> None:
    told = almoner(name, "--help")
    assert told.returncode == 0
    assert f"Usage: almoner {name}" in told.stdout.replace("python -m infrastructure.cli", "almoner")


def test_an_unknown_command_is_refused() -> None:
    told = almoner("upp")
    assert told.returncode == 2
    assert "No such command" in told.stderr


def test_a_taken_port_ends_with_two_plain_lines_and_code_2(tmp_path: Path) -> None:
    family = free_family()
    with socket.create_server(("127.0.0.1", family["s3"])):
        told = almoner("up", "--only", "s3", ALMONER_HOME=str(tmp_path / "home"), ALMONER_PORT_BASE=str(family.base))
    assert told.returncode == 2
    assert told.stdout == ""
    assert told.stderr.splitlines()[0] == f"almoner: Port {family['s3']} (s3) is taken."
    assert f"Stop process {os.getpid()}" in told.stderr.splitlines()[1]


def test_a_foreign_directory_is_not_reset_even_with_yes(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    told = almoner("up", "--reset", "--yes", ALMONER_HOME=str(tmp_path))
    assert told.returncode == 2
    assert "left alone" in told.stderr
    assert (tmp_path / "thesis.tex").exists()


def test_reset_asks_first(site: Site) -> None:
    told = almoner("up", "--reset", ALMONER_HOME=str(site.home.path))
    assert told.returncode == 1
    assert "Forget everything" in told.stdout
    assert (site.home.path / "secrets.json").exists()


def test_status_and_logs_of_nothing_say_so(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    assert almoner("status", ALMONER_HOME=home).returncode == 1
    assert almoner("down", ALMONER_HOME=home).stdout == "Nothing runs from here.\n"
    told = almoner("logs", "worker", ALMONER_HOME=home)
    assert told.returncode == 2
    assert "There is no log of worker." in told.stderr


def test_env_can_be_evaluated_by_a_shell(site: Site) -> None:
    command = f"{sys.executable} -m infrastructure.cli env"
    told = subprocess.run(  # noqa: S603 -- our own command
        ["sh", "-c", f'eval "$({command})" && echo "$AWS_SECRET_ACCESS_KEY $ALMONER_STORE"'],  # noqa: S607
        cwd=PROJECT,
        env=os.environ | {"ALMONER_HOME": str(site.home.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout == f"{site.keys.s3_secret_key} s3://evidence\n"
    assert "secrets" in told.stderr


def test_down_stops_the_stack_and_status_shows_it_before(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    program = Path(__file__).with_name("two_servers.py")
    with subprocess.Popen(  # noqa: S603 -- our own program
        [sys.executable, str(program), home],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as running:
        assert running.stdout is not None
        running.stdout.readline()
        shown = almoner("status", ALMONER_HOME=home)
        stopped = almoner("down", ALMONER_HOME=home)
        running.send_signal(signal.SIGKILL)
    assert shown.returncode == 0
    assert f"process {running.pid}" in shown.stdout
    assert stopped.stdout == "Stopped.\n"
    assert not alive(running.pid)


def test_a_time_stamp_authority_that_the_shell_names_is_passed_on_and_its_absence_is_said(tmp_path: Path) -> None:
    home = {"ALMONER_HOME": str(tmp_path / "home"), "ALMONER_PORT_BASE": str(free_family().base)}
    told = almoner("env", **home)
    assert "ALMONER_TSA" not in told.stdout
    assert "# ALMONER_TSA_URL is not set: no authority time-stamps the ledger's heads" in told.stderr
    told = almoner("env", **home, ALMONER_TSA_URL="https://tsa.example/", ALMONER_TSA_ROOTS="roots.pem")
    assert "export ALMONER_TSA_URL=https://tsa.example/\n" in told.stdout
    assert f"export ALMONER_TSA_ROOTS={PROJECT / 'roots.pem'}\n" in told.stdout
