"""The `almoner` command: starts things and prints; decides nothing.

A command is a module in `infrastructure/commands/` with a Typer called `app`, and one line in COMMANDS.
Nothing of it is imported before somebody calls it, so `almoner --help` stays quick whatever commands need.
"""

import importlib
import sys
from collections.abc import Mapping
from typing import Any

if sys.version_info < (3, 11):  # noqa: UP036 -- said in words, before an import says it in a traceback
    print("almoner needs Python 3.11 or newer: make .venv PYTHON=python3.12", file=sys.stderr)
    sys.exit(2)

import typer
from typer._click import Command, Context  # Typer's base classes have no public name since 0.27
from typer.core import TyperCommand, TyperGroup

from infrastructure.ending import run_and_leave

COMMANDS: Mapping[str, str] = {
    "up": "Start the laptop stack and keep it running.",
    "down": "Stop the stack that runs from this home.",
    "status": "Show what runs, and where.",
    "logs": "Show the end of a part's log, and follow it.",
    "env": "Print the stack's environment for a shell (with its secrets).",
    "demo": "Play a hospital's morning of requisitions.",
    "login": "Sit down here as yourself, by your passkey.",
    "logout": "Leave.",
    "whoami": "Say who you are logged in as.",
    "events": "Give a sending system the secret that it signs by.",
    "requisition": "Hand in requisitions.",
    "decide": "Read a request, and decide it.",
    "case": "Settle a case that is in doubt.",
    "ledger": "Read the ledger, and verify it.",
    "vault": "Read what the vault has sealed, or have it forgotten.",
    "people": "Say who works here, and who stands in for whom.",
    "policy": "Prove a policy, propose it, put it in force.",
    "passkeys": "Invite people to make a passkey, list them, withdraw one.",
}


class _Later(TyperCommand):
    """A command known by name and one line of help, imported when it is used."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Context | None = None, **extra: Any
    ) -> Context:
        """Import the real command and let it take over."""
        module = importlib.import_module(f"infrastructure.commands.{self.name}")
        command: Command = typer.main.get_command(module.app)
        command.name = self.name
        return command.make_context(info_name, args, parent, **extra)


class _Commands(TyperGroup):
    """The group that knows its commands from the table."""

    def list_commands(self, ctx: Context) -> list[str]:
        """In the order of the table, which is the order one meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """Find a command by its name, without importing it."""
        del ctx
        return _Later(cmd_name, help=COMMANDS[cmd_name]) if cmd_name in COMMANDS else None


# Locals in a traceback would show secrets.
app = typer.Typer(cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)


@app.callback()
def almoner() -> None:
    """Run a hospital's purchasing: requisitions, approvals, and the proof of both."""


def main() -> None:
    """Run the command line."""
    run_and_leave(app)


if __name__ == "__main__":
    main()
