"""Prepare, serve and reset the laptop's ERP: `python -m infrastructure.local.erp --help`."""

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from infrastructure.local.erp.home import ErpHome, ErpHomeError
from infrastructure.local.erp.prepare import prepare, reset
from infrastructure.local.erp.server import command, surroundings


def main() -> None:
    """Run one command; a problem is one line and exit code 1."""
    arguments = _arguments()
    home = ErpHome(arguments.home)
    try:
        match arguments.command:
            case "prepare":
                # A plain SIGTERM would leave Tryton's own processes behind.
                signal.signal(signal.SIGTERM, _stop)
                prepare(home, _say)
            case "reset":
                reset(home)
                _say("the ERP is as it was seeded")
            case "serve":
                _serve(home, arguments.port)
    except (ErpHomeError, OSError) as error:
        sys.exit(f"erp: {error}")
    except KeyboardInterrupt:
        sys.exit("erp: interrupted; run it again, it starts over")


def _stop(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _serve(home: ErpHome, port: int) -> None:
    """Become the server; the lock on the database goes along."""
    if not home.state.seed.exists():
        raise ErpHomeError("there is no ERP yet: run `python -m infrastructure.local.erp prepare` first")
    os.set_inheritable(home.state.alone(), True)
    home.state.write_configuration()
    words = command(home, port)
    os.execve(words[0], words, surroundings(home.state))  # noqa: S606 -- our own words


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infrastructure.local.erp", description=__doc__)
    default = Path(os.environ.get("ALMONER_HOME", ".almoner"))
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in (
        ("prepare", "install Tryton and seed the hospital, once"),
        ("serve", "serve it on loopback until told to stop"),
        ("reset", "go back to the hospital as it was seeded"),
    ):
        chosen = commands.add_parser(name, help=purpose)
        chosen.add_argument("--home", type=Path, default=default, help="where its state lives")
        if name == "serve":
            chosen.add_argument("--port", type=int, default=18069)
    return parser.parse_args()


def _say(line: str) -> None:
    print(f"erp: {line}", flush=True)


if __name__ == "__main__":
    main()
