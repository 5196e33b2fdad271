"""`python -m infrastructure.local.desk`: run the Slack desk until told to stop."""

import argparse
import errno
import os
import signal
import socket
import sys
from pathlib import Path

from infrastructure.local.desk.serving import LOOPBACK, DeskServer
from infrastructure.local.desk.settings import DEFAULT_COMMANDS, DeskSettings, parse_rate_factor


def _arguments() -> argparse.Namespace:
    home = Path(os.environ.get("ALMONER_HOME", ".almoner")) / "desk"
    parser = argparse.ArgumentParser(prog="desk", description=__doc__)
    add = parser.add_argument
    add("--port", type=int, default=18090, help="port on loopback (default 18090)")
    add("--home", type=Path, default=home, help="where the state is kept")
    add("--people", type=Path, help="the directory file (JSON); default: the hospital's own")
    add("--app-url", default=os.environ.get("ALMONER_DOORS_URL", "http://127.0.0.1:18080"),
        help="where the app listens")  # fmt: skip
    add("--rate-limits", default="x20", metavar="real|off|xN",
        help="Slack's own rate limits, none, or N times as generous (default x20)")  # fmt: skip
    add("--command", action="append", metavar="/NAME", help="a slash command of the app")
    return parser.parse_args()


def _people(chosen: Path | None) -> Path | None:
    own = Path(__file__).parents[1] / "hospital" / "directory.json"
    return chosen or (own if own.exists() else None)


def main() -> int:
    """Run until SIGTERM; return 2 with a reason when the desk cannot start."""
    given = _arguments()
    token = os.environ.get("SLACK_BOT_TOKEN", "")
    secret = os.environ.get("SLACK_SIGNING_SECRET", "")
    if not token or not secret:
        return _refuse("Set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET; the app uses the same two.")
    try:
        commands = dict.fromkeys(given.command, "") if given.command else DEFAULT_COMMANDS
        settings = DeskSettings(
            bot_token=token, signing_secret=secret, app_url=given.app_url.rstrip("/"),
            home=given.home, people=_people(given.people), commands=commands,
            rate_factor=parse_rate_factor(given.rate_limits),
        )  # fmt: skip
        server = DeskServer(settings, given.port)
        listener = socket.create_server((LOOPBACK, given.port))
    except ValueError as why:
        return _refuse(f"The desk cannot start: {why}")
    except OSError as why:
        if why.errno == errno.EADDRINUSE:
            return _refuse(f"Port {given.port} is taken. Choose another with --port.")
        return _refuse(f"The desk cannot start: {why}")
    # uvicorn raises the signal again once it has stopped; by then there is nothing left to end.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    server.run(sockets=[listener])
    return 0


def _refuse(why: str) -> int:
    sys.stderr.write(why + "\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
