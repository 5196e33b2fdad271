"""The real servers: PostgreSQL, SeaweedFS and Prefect, as `almoner up` runs them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from urllib.request import urlopen

import pytest

from infrastructure.local.stack.ports import OFFSETS, free_family
from infrastructure.local.stack.running import BackgroundStack, Wish, background_stack
from tests.infrastructure.stack.small_servers import wait_until
from tests.needs import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
SERVERS = ("prefect", "s3")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("laptop") / "home"


@pytest.fixture(scope="module")
def stack(home: Path) -> Iterator[BackgroundStack]:
    with background_stack(Wish(home, only=SERVERS)) as running:
        yield running


def ask(stack: BackgroundStack, program: str) -> str:
    """What a program prints that knows the stack from its environment alone."""
    told = subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, "-c", dedent(program)],
        env=stack.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() if told.returncode == 0 else told.stderr


def read(url: str) -> bytes:
    with urlopen(url, timeout=10) as answer:  # noqa: S310 -- loopback
        return bytes(answer.read())


def test_prefect_answers_and_has_its_dashboard(stack: BackgroundStack) -> None:
    assert json.loads(read(f"{stack.site.ports.url('prefect')}/api/health")) is True
    assert b"<html" in read(stack.site.ports.url("prefect"))


def test_every_server_listens_to_loopback_only(stack: BackgroundStack) -> None:
    table = Path("/proc/net/tcp")
    if not table.exists():
        missing("/proc/net/tcp, to see who listens where")
    ours = {f"{stack.site.ports[name]:04X}" for name in OFFSETS}
    lines = table.read_text() + Path("/proc/net/tcp6").read_text()
    listening = [line.split()[1].split(":") for line in lines.splitlines() if " 0A " in line]
    assert {address for address, port in listening if port in ours} == {"0100007F"}


def test_the_object_store_knows_its_own_and_refuses_strangers(stack: BackgroundStack) -> None:
    told = ask(
        stack,
        """
        import boto3, os
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.exceptions import ClientError
        url = os.environ["ALMONER_S3_URL"]
        boto3.client("s3", endpoint_url=url).put_object(Bucket="evidence", Key="a", Body=b"1")
        stranger = boto3.client("s3", endpoint_url=url, config=Config(signature_version=UNSIGNED))
        try:
            print(stranger.get_object(Bucket="evidence", Key="a"))
        except ClientError as refused:
            print(refused.response["Error"]["Code"])
        """,
    )
    assert told == "AccessDenied"


def test_the_database_asks_even_neighbours_for_the_password(stack: BackgroundStack) -> None:
    told = ask(
        stack,
        f"""
        import asyncio, asyncpg
        try:
            asyncio.run(asyncpg.connect(
                host="127.0.0.1", port={stack.site.ports["postgres"]},
                user="prefect", password="guess", database="prefect"))
        except asyncpg.InvalidPasswordError:
            print("refused")
        """,
    )
    assert told == "refused"


def test_the_database_does_not_run_as_root(stack: BackgroundStack) -> None:
    status = Path(f"/proc/{stack.pid('postgres')}/status")
    if not status.exists():
        missing("/proc, to see who runs what")
    uid = next(line for line in status.read_text().splitlines() if line.startswith("Uid:"))
    assert int(uid.split()[1]) != 0


COUNT_FLOWS = """
import httpx, os
answer = httpx.post(os.environ["PREFECT_API_URL"] + "/flows/count", json={})
print(answer.raise_for_status().text)
"""


def test_prefect_survives_the_death_of_its_database(stack: BackgroundStack) -> None:
    before = stack.pid("postgres")
    stack.kill("postgres")
    stack.until_well("postgres")
    assert stack.pid("postgres") != before
    # Its pool finds its connections dead one by one.
    wait_until(lambda: ask(stack, COUNT_FLOWS) == "0")


def test_no_secret_is_in_any_log_or_on_any_command_line(stack: BackgroundStack, home: Path) -> None:
    if not Path("/proc/self/cmdline").exists():
        missing("/proc, to see command lines")
    secrets = json.loads((home / "secrets.json").read_text())
    shown = [log.read_text(errors="replace") for log in (home / "logs").iterdir()]
    shown += [Path(f"/proc/{stack.pid(name)}/cmdline").read_text() for name in ("postgres", *SERVERS)]
    assert not [name for name, secret in secrets.items() if any(secret in text for text in shown)]


@pytest.mark.long
def test_what_was_kept_is_there_after_a_restart_also_on_other_ports(tmp_path: Path) -> None:
    home = tmp_path / "home"
    keep = """
        import boto3, httpx, os
        s3 = boto3.client("s3", endpoint_url=os.environ["ALMONER_S3_URL"])
        s3.put_object(Bucket="evidence", Key="kept", Body=b"since yesterday")
        flow = httpx.post(os.environ["PREFECT_API_URL"] + "/flows/", json={"name": "kept"})
        print(flow.raise_for_status().json()["name"])
    """
    look = """
        import boto3, httpx, os
        s3 = boto3.client("s3", endpoint_url=os.environ["ALMONER_S3_URL"])
        flow = httpx.get(os.environ["PREFECT_API_URL"] + "/flows/name/kept")
        print(s3.get_object(Bucket="evidence", Key="kept")["Body"].read().decode(), flow.status_code)
    """
    with background_stack(Wish(home, only=SERVERS)) as first:
        assert ask(first, keep) == "kept"
    elsewhere = free_family(start=first.site.ports.base + 100)
    with background_stack(Wish(home, only=SERVERS, ports=elsewhere)) as second:
        assert ask(second, look) == "since yesterday 200"


def test_no_process_of_the_real_servers_is_left(tmp_path: Path) -> None:
    with background_stack(Wish(tmp_path / "home", only=("postgres", "s3"))) as stack:
        home = str(stack.site.home.path)
        assert _processes_about(home)
    wait_until(lambda: not _processes_about(home))


def _processes_about(home: str) -> list[int]:
    if not Path("/proc/self/cmdline").exists():
        missing("/proc, to see every process")
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_text() + str((process / "exe").readlink())
        except OSError:
            continue
        if home in text:
            found.append(int(process.name))
    return found
