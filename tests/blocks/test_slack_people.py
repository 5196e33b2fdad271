"""Slack as a directory: accounts by address and user groups, over the desk, which serves them as Slack does."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from blocks.errors import RefusedError, UnavailableError, UnreadableError
from blocks.ledger import Ledger
from blocks.rulebook import adopt
from blocks.slack_people import Account, accounts, user_groups
from blocks.store import FolderStore
from infrastructure.commands.people import app
from infrastructure.local.desk.desk import Desk
from infrastructure.local.desk.serving import running
from infrastructure.local.desk.settings import DeskSettings
from infrastructure.local.hospital.__main__ import directory
from tests.hospital import MORNING, plain_policy

TOKEN = "xoxb-of-the-desk"
SEEN = json.loads(directory().model_dump_json())


class Slack:
    """A workspace on a port of its own."""

    def __init__(self, address: str, desk: Desk) -> None:
        self.url, self.desk = f"{address}/api/", desk


def opened(folder: Path, **changed: object) -> Iterator[Slack]:
    (folder / "people.json").write_text(json.dumps(SEEN | changed))
    settings = DeskSettings(bot_token=TOKEN, signing_secret="x", people=folder / "people.json", rate_factor=None)
    with running(settings) as (address, desk):
        yield Slack(address, desk)


@pytest.fixture
def slack(tmp_path: Path) -> Iterator[Slack]:
    yield from opened(tmp_path)


@pytest.fixture
def free(tmp_path: Path) -> Iterator[Slack]:
    yield from opened(tmp_path, team={"paid": False})


async def test_accounts_are_found_by_address_and_who_left_has_none(slack):
    found = await accounts(TOKEN, url=slack.url)
    assert found["frida.ng@mercy.example"] == Account("T0MERCY", "U0FRIDA")
    assert len(found) == sum(one.active for one in directory().people)


async def test_a_guest_of_some_channels_is_nobodys_account(tmp_path):
    people = [one | {"guest": one["id"] == "frida.ng"} for one in SEEN["people"]]
    for slack in opened(tmp_path, people=people):
        found = await accounts(TOKEN, url=slack.url)
        assert "frida.ng@mercy.example" not in found
        assert len(found) == sum(one.active for one in directory().people) - 1


async def test_groups_come_with_who_is_in_them(slack):
    groups = {one.handle: one for one in await user_groups(TOKEN, url=slack.url)}
    assert groups["finance-director"].users == {"U0FRIDA"}
    assert groups["department-manager"].users == {"U0ANA", "U0LEO"}


async def test_a_workspace_without_groups_is_said_to_have_none(free):
    with pytest.raises(RefusedError, match="they come with Slack's paid plans"):
        await user_groups(TOKEN, url=free.url)


async def test_who_is_not_let_in_or_asked_to_come_back_is_told(slack):
    with pytest.raises(UnreadableError, match="invalid_auth"):
        await user_groups("wrong", url=slack.url)
    slack.desk.faults.add({"method": "usergroups.list", "kind": "lost"})
    with pytest.raises(UnavailableError, match="did not answer"):
        await user_groups(TOKEN, url=slack.url)


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("ALMONER_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
    ledger = Ledger(FolderStore(tmp_path / "store"))
    for document in (directory(), plain_policy()):
        await adopt(ledger, document, actor="door:test", at=MORNING)
    return ledger


def compared(slack: Slack, monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    monkeypatch.setenv("ALMONER_SLACK_URL", slack.url)
    told = CliRunner().invoke(app, ["compare", *words])
    return told.exit_code, told.output


@pytest.mark.usefixtures("house")
def test_where_both_name_the_same_people_it_is_said(slack, monkeypatch):
    assert compared(slack, monkeypatch) == (0, "✓ Slack and the directory name the same people.\n")


@pytest.mark.usefixtures("house")
def test_who_is_in_a_group_and_not_in_its_role_is_named_and_the_other_way_round(tmp_path, monkeypatch):
    moved = [one | {"slack_user": "U0NEW"} if one["id"] == "rita.okafor" else one for one in SEEN["people"]]
    groups = [
        {"id": "S1", "handle": "finance-directors", "name": "Finance", "users": ["U0CARL", "U0GHOST"]},
        {"id": "S2", "handle": "buyers", "name": "Buyers", "users": ["U0PAULA", "U0MEI"]},
        {"id": "S3", "handle": "everybody", "name": "All", "users": ["U0MEI"]},
    ]
    for slack in opened(tmp_path, usergroups=groups, people=moved):
        code, told = compared(slack, monkeypatch, "--group", "@buyers=procurement-lead")
        assert code == 1
        assert told.splitlines() == [
            "rita.okafor is U0NEW in Slack, U0RITA in the directory",
            "@finance-directors: Carl Moss is in the group and not finance-director",
            "@finance-directors: U0GHOST is in the group and nobody of the directory",
            "@finance-directors: Frida Ng is finance-director and not in the group",
            "@buyers: Mei Tan is in the group and not procurement-lead",
        ]


@pytest.mark.usefixtures("house")
def test_without_groups_accounts_are_compared_all_the_same(free, monkeypatch):
    code, told = compared(free, monkeypatch)
    assert (code, told.startswith("⚠ groups are not compared: this workspace has no user groups")) == (1, True)


@pytest.mark.usefixtures("house")
def test_a_role_that_is_none_is_refused(slack, monkeypatch):
    code, told = compared(slack, monkeypatch, "--group", "buyers=king")
    assert (code, "HANDLE=ROLE" in told) == (2, True)
