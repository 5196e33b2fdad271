"""How the stack runs Prefect's server and the steps around it, and what it remembers from start to start."""

import hashlib
import importlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

from infrastructure.local.stack import postgres
from infrastructure.local.stack.child import PROJECT
from infrastructure.local.stack.site import Site


def command(site: Site) -> Sequence[str]:
    """Write the server's command line."""
    return [site.python, "-m", "infrastructure.local.stack.prefect_server", str(site.ports["prefect"])]


def server_environment(site: Site) -> Mapping[str, str]:
    """Give the server its settings and its database."""
    settings: Mapping[str, str] = importlib.import_module("infrastructure.prefect_settings").SERVER
    migrate = "false" if settled(site) else "true"  # half a second to find out that nothing is to be done
    return {
        **settings,
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": postgres.url(site),
        "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": migrate,
    }


def client_environment(_site: Site) -> Mapping[str, str]:
    """Give our own processes Prefect's settings for clients."""
    settings: Mapping[str, str] = importlib.import_module("infrastructure.prefect_settings").WORKER
    return settings


def settled(site: Site) -> bool:
    """Whether this Prefect has migrated this database and knows our deployments as they are now."""
    note = _note(site)
    return note.exists() and note.read_text() == _digest()


def settle(site: Site) -> None:
    """Remember that it is so, beside the database it is true of."""
    _note(site).write_text(_digest())


def _note(site: Site) -> Path:
    return postgres.place(site.home.path) / "settled"


@cache
def _digest() -> str:
    # What a deployment is made of: its entry, its process, the records its run form asks for.
    sources = [*PROJECT.glob("flows/**/*.py"), *PROJECT.glob("blocks/records/*.py"), PROJECT / "prefect.yaml"]
    told = hashlib.sha256(version("prefect").encode())
    for source in sorted(sources):
        told.update(source.read_bytes())
    return told.hexdigest()
