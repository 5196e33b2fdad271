"""One stack: its home, its ports, its keys, and the environment all its parts share."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infrastructure.local.stack import keys
from infrastructure.local.stack.home import Home
from infrastructure.local.stack.ports import LOOPBACK, Ports

BUCKET = "evidence"
# What a person's shell may hold about other systems must not steer ours: an AWS profile, a Prefect cloud
# account, a PostgreSQL service, a Slack token.
_FOREIGN = ("AWS_", "PREFECT_", "PG", "SLACK_", "ALMONER_", "TRYTOND_")
# What a person may set beside: who stamps the ledger's heads, and whom one believes what time it was.
OPTIONAL = ("ALMONER_TSA_URL", "ALMONER_TSA_ROOTS")
# An environment without bytecode doubles the start of every part.
_SLOW = ("PYTHONDONTWRITEBYTECODE",)


@dataclass(frozen=True)
class Site:
    """Everything a part needs to know to start."""

    home: Home
    ports: Ports
    keys: keys.Keys
    extra: Mapping[str, str] = field(default_factory=dict)
    python: str = sys.executable

    @classmethod
    def open(cls, path: Path, ports: Ports, extra: Mapping[str, str] | None = None) -> "Site":
        """Open the site at a home; make the directory and its secrets when they are not there yet."""
        home = Home.open(path)
        return cls(home, ports, keys.load_or_make(home.path / "secrets.json"), dict(extra or {}))

    def environment(self) -> dict[str, str]:
        """Give what every part gets, secrets included: for a child process, to be shown to nobody."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN) and name not in _SLOW
        }
        return inherited | _without_proxy() | self.own_environment() | dict(self.extra)

    def own_environment(self) -> dict[str, str]:
        """Only what we add to a person's environment; `almoner env` prints it."""
        ports = self.ports
        return _optional() | {
            "ALMONER_HOME": str(self.home.path),
            "ALMONER_PORT_BASE": str(ports.base),
            "ALMONER_STORE": f"s3://{BUCKET}",
            "ALMONER_S3_URL": ports.url("s3"),
            "ALMONER_VAULT": str(self.home.path / "vault"),
            "ALMONER_VAULT_KEY": self.keys.vault_key,
            "ALMONER_LOG_FIRST_KEY": self.keys.log_first,
            "ALMONER_WITNESS_PUBLIC_KEY": self.keys.witness_public,
            "ALMONER_WITNESS_STORE": str(self.home.path / "witness"),
            "AWS_ACCESS_KEY_ID": self.keys.s3_access_key,
            "AWS_SECRET_ACCESS_KEY": self.keys.s3_secret_key,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "ALMONER_ERP_URL": ports.url("erp"),
            "ALMONER_ERP_DATABASE": "erp",
            "ALMONER_ERP_KEY": self._erp_key(),
            "ALMONER_SLACK_URL": f"{ports.url('desk')}/api/",
            "ALMONER_DESK_URL": ports.url("desk"),
            "SLACK_BOT_TOKEN": self.keys.slack_bot_token,
            "SLACK_SIGNING_SECRET": self.keys.slack_signing_secret,
            "ALMONER_SLACK_CHANNEL": "approvals",
            "ALMONER_EVENT_SECRET": self.keys.event_secret,
            "ALMONER_BELL_URL": ports.url("bell"),
            "ALMONER_DOORS_URL": ports.url("doors"),
            "ALMONER_DASHBOARD_URL": ports.url("prefect"),
            "PREFECT_API_URL": f"{ports.url('prefect')}/api",
            "PREFECT_UI_URL": ports.url("prefect"),
            "PREFECT_HOME": str(self.home.path / "prefect"),
            "PYDANTIC_DISABLE_PLUGINS": "__all__",  # nobody here has any, and to look for them takes every start 30 ms
            "DO_NOT_TRACK": "1",  # nothing leaves the house, from whichever process
            "PYTHONUNBUFFERED": "1",
        }

    def _erp_key(self) -> str:
        # Written by the ERP's own preparation; before that nothing can ask the ERP anyway.
        key = self.home.path / "erp" / "service.key"
        return key.read_text().strip() if key.exists() else ""


def _optional() -> dict[str, str]:
    given = {name: os.environ[name] for name in OPTIONAL if os.environ.get(name)}
    if roots := given.get("ALMONER_TSA_ROOTS"):
        given["ALMONER_TSA_ROOTS"] = str(Path(roots).absolute())  # parts start elsewhere
    return given


def _without_proxy() -> dict[str, str]:
    # A proxy configured for the internet would swallow our calls to loopback.
    direct = ",".join(filter(None, (os.environ.get("NO_PROXY"), LOOPBACK, "localhost")))
    return {"NO_PROXY": direct, "no_proxy": direct}
