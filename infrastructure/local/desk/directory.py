"""Who works at the hospital: the team, its people, its channels, read from one JSON file."""

import json
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from infrastructure.local.desk.shapes import Json

SLACKBOT = "USLACKBOT"
EVERYBODY = "*"


class Team(BaseModel):
    """The workspace."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    id: str = "T0MERCY"
    name: str = "Mercy General Hospital"
    domain: str = "mercy"
    paid: bool = True
    time_zone: str = Field(
        default="America/Chicago", validation_alias=AliasChoices("time_zone", "zone", "timezone", "tz")
    )


class App(BaseModel):
    """The one app installed in the workspace, and its bot user."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    id: str = "A0ALMONER"
    name: str = "Almoner"
    bot_id: str = "B0ALMONER"
    user: str = "U0ALMONER"


class Person(BaseModel):
    """Somebody with an account; `active` is false once they have left, a guest is let into some channels alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    key: str = Field(validation_alias=AliasChoices("id", "key"))
    name: str
    user: str = Field(validation_alias=AliasChoices("slack_user", "slack", "user"))
    email: str = ""
    title: str = ""
    active: bool = True
    guest: bool = False

    @property
    def handle(self) -> str:
        """The user name without an at sign, as in `ana.silva`."""
        return self.key.lower()

    @property
    def initials(self) -> str:
        """Up to two letters for the avatar."""
        return "".join(word[0] for word in self.name.split()[:2]).upper()


class ChannelSeed(BaseModel):
    """A channel that exists from the start; members are user ids, or `["*"]` for everybody."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    name: str
    id: str = ""
    topic: str = ""
    is_private: bool = False
    members: tuple[str, ...] = (EVERYBODY,)

    @property
    def channel(self) -> str:
        """The channel's id: the one given, or one made of the name (`C0APPROVALS`)."""
        return self.id or "C0" + "".join(c for c in self.name.upper() if c.isalnum())


class UserGroup(BaseModel):
    """A group that can be mentioned, such as @finance."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    id: str
    handle: str
    name: str
    users: tuple[str, ...] = ()


DEFAULT_CHANNELS = (
    ChannelSeed(name="approvals", topic="What needs a yes or a no"),
    ChannelSeed(name="finance-audit", topic="The ledger's fingerprint, once a day"),
    ChannelSeed(name="general", topic="Everybody at Mercy General"),
)


class Directory(BaseModel):
    """The whole cast of one workspace. Unknown keys in the file are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    team: Team = Team()
    app: App = App()
    people: tuple[Person, ...]
    channels: tuple[ChannelSeed, ...] = DEFAULT_CHANNELS
    usergroups: tuple[UserGroup, ...] = ()

    def person(self, user: str) -> Person | None:
        """Find a person by Slack user id."""
        return next((p for p in self.people if p.user == user), None)

    def active_users(self) -> list[str]:
        """User ids of everybody who has not left, and of the app's bot."""
        return [p.user for p in self.people if p.active] + [self.app.user]

    def name_of(self, user: str) -> str:
        """Return the name shown for a user id: a person's, the app's, or the id itself."""
        if user == self.app.user:
            return self.app.name
        if user == SLACKBOT:
            return "Slackbot"
        person = self.person(user)
        return person.name if person else user


def read_directory(path: Path | None) -> Directory:
    """Read the directory file; None gives the small built-in cast used by tests.

    Raises ValueError, naming the field, when the file is not a directory of people.
    """
    if path is None:
        return Directory.model_validate(_built_in())
    document: Any = json.loads(path.read_text("utf-8"))
    if isinstance(document, dict):
        document.setdefault("team", {})
        if isinstance(document["team"], dict) and "zone" in document:
            document["team"].setdefault("zone", document["zone"])
        document.setdefault("usergroups", _groups(document.get("people")))
    return Directory.model_validate(document)


def _groups(people: Any) -> list[Json]:
    """Give each role that the file's people hold a user group of its name, as a hospital would keep them."""
    members: dict[str, list[str]] = {}
    for one in people if isinstance(people, list) else ():
        for role in {str(grant["role"]) for grant in one.get("grants", ()) if one.get("active", True)}:
            members.setdefault(role, []).append(str(one["slack_user"]))
    return [
        {"id": f"S0{number:03}", "handle": role, "name": role.replace("-", " ").capitalize(), "users": members[role]}
        for number, role in enumerate(sorted(members))
    ]


def _built_in() -> Json:
    """Return four people, of whom one has left."""
    rows = [
        ("rita.okafor", "Rita Okafor", "U0RITA", "Charge nurse, OR", True),
        ("ana.silva", "Ana Silva", "U0ANA", "Department manager", True),
        ("carl.moss", "Carl Moss", "U0CARL", "Chief financial officer", True),
        ("gus.inactive", "Gus Varga", "U0GUS", "Left the hospital", False),
    ]
    keys = ("id", "name", "slack_user", "title", "active")
    people = [dict(zip(keys, row, strict=True)) | {"email": f"{row[0]}@mercy.example"} for row in rows]
    groups = [{"id": "S0FINANCE", "handle": "finance", "name": "Finance", "users": ["U0CARL"]}]
    return {"people": people, "usergroups": groups}
