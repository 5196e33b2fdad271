"""The directory a stack lives in."""

import errno
import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.local.stack import foreground, keys
from infrastructure.local.stack.child import PROJECT
from infrastructure.local.stack.home import Home
from infrastructure.local.stack.site import Site
from infrastructure.local.stack.trouble import StackError, from_os
from tests.needs import missing


def test_reset_forgets_state_and_keeps_downloaded_tools(site: Site) -> None:
    home = site.home.path
    for kept in ("tools/stack-1/bin/weed", "erp-venv/bin/python"):
        (home / kept).parent.mkdir(parents=True)
        (home / kept).touch()
    for state in ("pg/data/PG_VERSION", "s3/1.dat", "erp/erp.sqlite", "desk/desk.db", "logs/erp.log"):
        (home / state).parent.mkdir(parents=True, exist_ok=True)
        (home / state).touch()
    foreground.forget(home)
    assert {entry.name for entry in home.iterdir()} == {"tools", "erp-venv", "run", ".almoner-home"}
    assert (home / "tools/stack-1/bin/weed").exists()
    assert (home / "erp-venv/bin/python").exists()


def test_reset_makes_new_secrets(site: Site) -> None:
    foreground.forget(site.home.path)
    assert Site.open(site.home.path, site.ports).keys != site.keys


def test_reset_leaves_a_directory_alone_that_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(StackError, match="was not made by almoner"):
        foreground.forget(tmp_path)
    assert (tmp_path / "thesis.tex").exists()


def test_reset_does_not_follow_a_link_out_of_the_home(site: Site, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "thesis.tex").touch()
    (site.home.path / "s3").symlink_to(outside)
    foreground.forget(site.home.path)
    assert (outside / "thesis.tex").exists()


def test_reset_is_refused_while_a_stack_runs(site: Site) -> None:
    with site.home.owned(), pytest.raises(StackError, match="already runs"):
        foreground.forget(site.home.path)
    assert (site.home.path / "secrets.json").exists()


def test_a_reset_of_nothing_is_no_trouble(tmp_path: Path) -> None:
    foreground.forget(tmp_path / "never")
    assert not (tmp_path / "never").exists()


def test_a_directory_with_other_things_in_it_is_not_moved_into(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(StackError, match="is not an Almoner home"):
        Home.open(tmp_path)


def test_a_directory_with_only_our_things_in_it_is_adopted(tmp_path: Path) -> None:
    (tmp_path / "erp-venv").mkdir()
    Home.open(tmp_path)
    assert (tmp_path / ".almoner-home").exists()


def test_a_pid_left_by_a_crash_hinders_nobody(site: Site) -> None:
    site.home.lock.write_text("1\n")
    assert site.home.supervisor() is None
    with site.home.owned():
        assert site.home.supervisor() is not None


def test_a_home_that_cannot_be_written_says_what_to_do() -> None:
    if not Path("/sys/kernel").exists():
        missing("a directory that even root cannot write to (/sys)")
    with pytest.raises(StackError, match="not allowed to write") as told:
        Home.open(Path("/sys/almoner"))
    assert "ALMONER_HOME" in told.value.remedy


def test_a_disk_without_room_is_found_before_anything_is_installed(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    small = tmp_path / "small"
    small.mkdir()
    mount = f"mount -t tmpfs -o size=10m tmpfs {small}"
    if not unshare or subprocess.run([unshare, "-rm", "sh", "-c", mount], check=False).returncode:  # noqa: S603
        missing("a mount namespace, to make a small disk in")
    up = f"{mount} && exec {sys.executable} -m infrastructure.cli up --home {small}/home"
    told = subprocess.run(  # noqa: S603 -- our own command
        [str(unshare), "-rm", "sh", "-c", up], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 2
    assert told.stderr.splitlines() == [
        f"almoner: {small}/home has 10 MB free and needs 1000 MB.",
        "Free some space, or point ALMONER_HOME at a disk that has room.",
    ]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_later_gets_the_same_remedy(number: int) -> None:
    told = from_os(OSError(number, "whatever", "/home/rita/.almoner/pg"))
    assert told.message == "The disk is full (/home/rita/.almoner/pg)."
    assert told.remedy.startswith("Free some space")


def test_secrets_are_readable_by_their_owner_only(site: Site) -> None:
    path = site.home.path / "secrets.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_secrets_somebody_opened_up_are_closed_again(site: Site) -> None:
    path = site.home.path / "secrets.json"
    path.chmod(0o644)
    keys.load_or_make(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_secrets_survive_a_restart(site: Site) -> None:
    assert Site.open(site.home.path, site.ports).keys == site.keys


def test_secrets_do_not_show_when_printed(site: Site) -> None:
    for secret in json.loads((site.home.path / "secrets.json").read_text()).values():
        assert secret not in f"{site!r} {site.keys!r}"


def test_damaged_secrets_are_not_silently_replaced(site: Site) -> None:
    (site.home.path / "secrets.json").write_text("{")
    with pytest.raises(StackError, match="is damaged"):
        Site.open(site.home.path, site.ports)


def test_an_aws_profile_or_prefect_account_of_the_shell_steers_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "PREFECT_API_KEY", "PGSERVICE", "SLACK_APP_TOKEN"):
        monkeypatch.setenv(name, "somebody-else")
    monkeypatch.setenv("NO_PROXY", "intranet")
    environment = site.environment()
    assert "somebody-else" not in environment.values()
    assert environment["NO_PROXY"] == "intranet,127.0.0.1,localhost"
    assert environment["ALMONER_HOME"] == str(site.home.path)


def test_what_the_caller_adds_to_the_environment_wins(tmp_path: Path, site: Site) -> None:
    own = Site.open(tmp_path / "other", site.ports, {"ALMONER_SLACK_CHANNEL": "elsewhere"})
    assert own.environment()["ALMONER_SLACK_CHANNEL"] == "elsewhere"
