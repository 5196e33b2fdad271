"""The desk as a program: it starts, remembers, refuses plainly, and stops when told."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from slack_sdk import WebClient

from infrastructure.local.desk.directory import read_directory
from infrastructure.local.desk.serving import running
from infrastructure.local.desk.settings import DeskSettings
from tests.infrastructure.desk.cards import CARD, FORM
from tests.infrastructure.desk.listening import SECRET, TOKEN

ROOT = Path(__file__).parents[3]
SECRETS = {"SLACK_BOT_TOKEN": TOKEN, "SLACK_SIGNING_SECRET": SECRET}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def desk(*args: str, env: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "infrastructure.local.desk", *args]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "ALMONER_"))}
    return subprocess.Popen(  # noqa: S603 (our own program)
        command, cwd=ROOT, env=kept | env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    settings = DeskSettings(bot_token=TOKEN, signing_secret=SECRET, home=tmp_path / "desk")
    with running(settings) as (url, first):
        slack = WebClient(TOKEN, base_url=f"{url}/api/")
        posted = slack.chat_postMessage(channel="approvals", text="before", blocks=CARD)
        group = slack.conversations_open(users="U0ANA,U0CARL")["channel"]["id"]
        view = slack.views_open(trigger_id=first.triggers.issue("U0ANA"), view=FORM)["view"]
    with running(settings) as (url, second):
        slack = WebClient(TOKEN, base_url=f"{url}/api/")
        (kept,) = slack.conversations_history(channel="C0APPROVALS")["messages"]
        assert kept == posted["message"]
        assert slack.conversations_info(channel=group)["ok"]
        assert second.views.stack("U0ANA") == [view]
        later = slack.chat_postMessage(channel="approvals", text="after")
        assert later["ts"] > posted["ts"]


def test_a_sigterm_ends_it_cleanly_though_a_page_is_open(tmp_path: Path) -> None:
    port = free_port()
    program = desk("--port", str(port), "--home", str(tmp_path), env=SECRETS)
    try:
        for _ in range(200):
            if _healthy(port):
                break
            time.sleep(0.05)
        with httpx.stream("GET", f"http://127.0.0.1:{port}/desk/stream?as=U0ANA") as page:
            lines = page.iter_lines()
            assert next(lines) == "retry: 1000"
            program.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert program.wait(10) == 0
            assert time.monotonic() - began < 2
    finally:
        program.kill()
        said = program.communicate()
    assert said == ("", "")
    assert (tmp_path / "desk.sqlite3").exists()


def _healthy(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health").is_success
    except httpx.TransportError:
        return False


def test_a_taken_port_a_missing_secret_and_a_bad_file_are_said_plainly(tmp_path: Path) -> None:
    bad = tmp_path / "people.json"
    bad.write_text('{"people": [{"name": "Nobody"}]}')
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = str(listener.getsockname()[1])
        cases = [
            (desk("--port", taken, "--home", str(tmp_path / "a"), env=SECRETS), f"Port {taken} is taken"),
            (desk("--home", str(tmp_path / "b"), env={}), "Set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET"),
            (desk("--home", str(tmp_path / "c"), "--people", str(bad), env=SECRETS), "people.0"),
            (desk("--home", str(tmp_path / "d"), "--rate-limits", "fast", env=SECRETS), "cannot start"),
        ]
        for program, says in cases:
            _, error = program.communicate(timeout=20)
            assert (program.returncode, says in error) == (2, True), error


def test_the_directory_file_may_say_more_than_the_desk_reads(tmp_path: Path) -> None:
    file = tmp_path / "directory.json"
    person = {"id": "ivo.petrov", "name": "Ivo Petrov", "slack_user": "U0IVO", "active": True, "grants": []}
    file.write_text(json.dumps({"entity": "MERCY", "zone": "Europe/Paris", "people": [person], "rules": {}}))
    read = read_directory(file)
    assert (read.team.time_zone, read.people[0].handle) == ("Europe/Paris", "ivo.petrov")
    assert [c.channel for c in read.channels] == ["C0APPROVALS", "C0FINANCEAUDIT", "C0GENERAL"]
    file.write_text('{"people": [{"id": "x"}]}')
    with pytest.raises(ValueError, match="name"):
        read_directory(file)
