"""Prepare the ERP once: environment, database, modules, hospital, unique keys, a pristine copy."""

import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from blocks.wire.names import REFERENCE
from infrastructure.local.erp.environment import install, lock_digest
from infrastructure.local.erp.home import DATABASE, ErpHome, ErpHomeError, ErpState, write_secret
from infrastructure.local.erp.hospital import hospital, hospital_text
from infrastructure.local.erp.seed import seed
from infrastructure.local.erp.seed_service import BUTTONS, ENTRIES_SEEN, FOR_GROUPS, RIGHTS
from infrastructure.local.erp.server import serving, surroundings

MODULES: Final = ("analytic_budget", "analytic_purchase", "purchase", "stock")
"""What is activated, besides what these need."""

KEYED_TABLES: Final = ("purchase_purchase", "stock_shipment_internal")
"""Tables whose `reference` carries our key: at most one row a key."""

Say = Callable[[str], None]


def prepare(home: ErpHome, say: Say) -> None:
    """Prepare the ERP in *home*, or do nothing where that is done.

    What is there is kept, also where the hospital's file has changed since.
    """
    with home.preparing():
        install_first(home, say)
        if home.state.seed.exists():
            _tell_of_change(home.state, say)
            return
        started = time.monotonic()
        _build(home, say)
        home.building.folder.rename(home.state.folder)
        say(f"the ERP is ready, after {time.monotonic() - started:.0f} s")


def install_first(home: ErpHome, say: Say) -> None:
    """Install Tryton where that is still to do."""
    if not (home.environment / "almoner.lock").exists():
        say("installing Tryton in its own environment")
    install(home)


def reset(home: ErpHome) -> None:
    """Go back to the hospital as it was seeded."""
    state = home.state
    if not state.seed.exists():
        raise ErpHomeError("there is no ERP to reset: run `python -m infrastructure.local.erp prepare` first")
    lock = state.alone()
    try:
        _restore(state)
    finally:
        os.close(lock)


def _restore(state: ErpState) -> None:
    """Put the pristine database in the place of the live one."""
    state.database.parent.mkdir(exist_ok=True)
    fresh = state.database.with_suffix(".fresh")
    shutil.copyfile(state.pristine, fresh)
    for leftover in state.database.parent.glob(f"{state.database.name}-*"):
        leftover.unlink()
    fresh.replace(state.database)


def _build(home: ErpHome, say: Say) -> None:
    state = home.building
    shutil.rmtree(state.folder, ignore_errors=True)
    # Databases and keys are for their owner alone.
    state.folder.mkdir(mode=0o700)
    state.database.parent.mkdir()
    write_secret(state.password, secrets.token_urlsafe(24))
    state.write_configuration()
    # Tryton does not create the file, it fills it.
    state.database.touch()
    say("creating the ERP's database and modules (half a minute of work, once)")
    _activate(home, state)
    people = hospital()
    today = datetime.now(ZoneInfo(people.company.time_zone)).date()
    with serving(home, state) as address:
        door = f"{address}/{DATABASE}/rpc/"
        write_secret(state.key, seed(door, state.password.read_text(), people, today, say))
    _seal(state)
    _restore(state)
    facts = {"database": DATABASE, "year": today.year, "lock": lock_digest(), "hospital": seeded_digest()}
    state.seed.write_text(json.dumps(facts, indent=1))


def _activate(home: ErpHome, state: ErpState) -> None:
    """Create all tables, in one go: the base modules and ours."""
    activate = [str(home.python), "-m", "trytond.cli.admin", "-c", str(state.configuration), "-d", DATABASE]
    options = ["-u", "ir", "res", *MODULES, "--activate-dependencies", "--email", "erp@hospital.example"]
    environment = {**surroundings(state), "TRYTONPASSFILE": str(state.password)}
    log = state.folder / "activation.log"
    with log.open("w") as file:
        done = subprocess.run(  # noqa: S603 -- our own words
            [*activate, *options], env=environment, stdout=file, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        tail = "\n".join(log.read_text().splitlines()[-15:])
        raise ErpHomeError(f"Tryton could not create its database:\n{tail}")


def _seal(state: ErpState) -> None:
    """Add the unique keys, and keep a compact copy.

    Tryton knows no idempotency keys. These indexes bind references of ours only; people are free
    to write what they like, and updates of Tryton's modules leave the indexes alone.
    """
    with closing(sqlite3.connect(state.database, isolation_level=None)) as database:
        for table in KEYED_TABLES:
            database.execute(
                f"CREATE UNIQUE INDEX almoner_key_{table} ON {table}(reference) WHERE reference LIKE '{REFERENCE}%'"
            )
        database.execute("VACUUM INTO ?", (str(state.pristine),))


def seeded_digest() -> str:
    """Say what an ERP is seeded with: the hospital, and what the service may do there."""
    seeded = (hospital_text(), sorted(RIGHTS.items()), BUTTONS, ENTRIES_SEEN, sorted(FOR_GROUPS.items()))
    return hashlib.sha256(repr(seeded).encode()).hexdigest()


def _tell_of_change(state: ErpState, say: Say) -> None:
    if json.loads(state.seed.read_text()).get("hospital") != seeded_digest():
        say("the ERP was seeded by an older Almoner: remove its folder to build it anew, with the rights it has now")
