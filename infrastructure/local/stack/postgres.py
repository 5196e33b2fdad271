"""PostgreSQL for Prefect: made once, run as somebody who is not root.

`python -m infrastructure.local.stack.postgres` makes the database; the supervisor runs it as a step.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from infrastructure.local.stack import keys, ports, tools
from infrastructure.local.stack.child import Account
from infrastructure.local.stack.site import Site
from infrastructure.local.stack.trouble import StackError, from_os

DATABASE = "prefect"
USER = "prefect"
_FOR_ROOT = Path("/var/lib/almoner")
_NAMES_ITS_HOME = "home-is"
_SETTINGS = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    # A laptop has other things to do with its memory.
    "shared_buffers": "64MB",
    "work_mem": "8MB",
    "max_connections": "60",
    # Prefect's database is a projection of the ledger: losing the last half second of it costs nothing that
    # the ledger does not bring back. fsync stays on, so the database itself is never corrupt.
    "synchronous_commit": "off",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    # Rows are small and statements short: planning them just in time costs more than it saves.
    "jit": "off",
    "autovacuum_naptime": "5min",
    "logging_collector": "off",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def account(_: object = None) -> Account | None:
    """Whom to run PostgreSQL as: ourselves, but somebody else when we are root, which it refuses."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise StackError(
        "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody.",
        "Run almoner as an ordinary user.",
    )


def place(home: Path) -> Path:
    """Find the directory that holds `data`: below the home, unless root's stand-in cannot get there."""
    who = account()
    if who is None or _may_enter(home, who):
        return home / "pg"
    return _FOR_ROOT / hashlib.sha256(str(home).encode()).hexdigest()[:12]


def programs(home: Path) -> Path:
    """PostgreSQL's programs, where whoever runs them can reach them."""
    at = place(home)
    return tools.postgres(home / "tools") if at.parent == home else at / "postgresql" / "bin"


def ready(site: Site) -> bool:
    """Whether the database was made already, completely."""
    return (place(site.home.path) / "ready").exists()


def command(site: Site) -> Sequence[str]:
    """Write the server's command line."""
    settings = _SETTINGS | {"port": str(site.ports["postgres"])}
    return [
        *(str(programs(site.home.path) / "postgres"), "-D", str(place(site.home.path) / "data")),
        *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
    ]


def url(site: Site) -> str:
    """Prefect's connection, password included."""
    at = f"{ports.LOOPBACK}:{site.ports['postgres']}"
    return f"postgresql+asyncpg://{USER}:{site.keys.postgres_password}@{at}/{DATABASE}"


def make(home: Path, password: str) -> None:
    """`initdb`, the database and pg_trgm, which Prefect's migrations ask for; about a second."""
    at, who = place(home), account()
    shutil.rmtree(at, ignore_errors=True)
    at.mkdir(parents=True)
    if at.parent != home:
        _sweep()
        (at / _NAMES_ITS_HOME).write_text(str(home))
        shutil.copytree(tools.postgres(home / "tools").parent, at / "postgresql", symlinks=True)
    secret = at / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if who:
        os.chown(at, who.uid, who.gid)
        os.chown(secret, who.uid, who.gid)
    print("making the database", flush=True)
    data, bin_ = str(at / "data"), programs(home)
    _run(
        [
            *(str(bin_ / "initdb"), "-D", data, "-U", USER, "--pwfile", str(secret)),
            # Loopback is shared with everybody on the machine: no trust, also here.
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"),
        ],
        who,
    )
    secret.unlink()
    # Single-user mode: no server, no port and no client are needed to say these two sentences.
    single = [str(bin_ / "postgres"), "--single", "-D", data]
    _run([*single, "postgres"], who, f"CREATE DATABASE {DATABASE}\n")
    _run([*single, DATABASE], who, "CREATE EXTENSION pg_trgm\n")
    (at / "ready").touch()


def wipe(home: Path) -> None:
    """Remove what root keeps outside the home."""
    if place(home).parent != home:
        shutil.rmtree(place(home), ignore_errors=True)


def _sweep() -> None:
    # Homes that were deleted by hand cannot take along what lies outside them.
    for other in _FOR_ROOT.glob(f"*/{_NAMES_ITS_HOME}"):
        if not Path(other.read_text()).exists():
            shutil.rmtree(other.parent)


def _run(order: Sequence[str], who: Account | None, sentence: str = "") -> None:
    done = subprocess.run(  # noqa: S603 -- our own arguments
        order,
        input=sentence,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd="/",
        user=who.uid if who else None,
        group=who.gid if who else None,
        extra_groups=[] if who else None,
    )
    if done.returncode != 0:
        raise StackError(
            f"{Path(order[0]).name} ended with {done.returncode}.", f"Its own words:\n{done.stdout.strip()}"
        )


@cache
def _may_enter(home: Path, who: Account) -> bool:
    # Asked of the kernel, as that user: modes alone do not tell (ACLs, mounts).
    home.mkdir(parents=True, exist_ok=True)
    asked = subprocess.run(  # noqa: S603 -- our own arguments
        ["test", "-x", str(home)],  # noqa: S607 -- POSIX names it, not its place
        check=False,
        user=who.uid,
        group=who.gid,
        extra_groups=[],
        cwd="/",
    )
    return asked.returncode == 0


if __name__ == "__main__":
    here = Path(os.environ["ALMONER_HOME"])
    try:
        make(here, keys.load_or_make(here / "secrets.json").postgres_password)
    except StackError as trouble:
        sys.exit(str(trouble))
    except OSError as error:
        sys.exit(str(from_os(error)))
