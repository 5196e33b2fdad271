"""`almoner policy`: prove a policy, propose it, put it in force."""

import asyncio
import json
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from infrastructure.commands import policy_cases
from infrastructure.commands.identity import HERE, By, Home, speaker
from infrastructure.commands.policy_told import WRONG, in_words
from infrastructure.commands.speaking import document
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from blocks.records.people import Directory
    from blocks.records.policy import Policy
    from tasks.rules.proof import Proof
    from tasks.signing.proposals import InForce, Proposal

app = typer.Typer(no_args_is_help=True, help="Prove a policy, propose it, put it in force.")
File = Annotated[Path, typer.Argument(help="A policy, as JSON.", exists=True, dir_okay=False)]
Either = Annotated[Path, typer.Argument(help="The first directory or policy, as JSON.", exists=True, dir_okay=False)]
People = Annotated[
    Path | None, typer.Option("--directory", help="The people, as JSON; left out: those in force.", exists=True)
]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
app.command()(policy_cases.explain)
app.command("try")(policy_cases.try_policy)


@app.command()
def check(file: File, directory: People = None, home: Home = HERE, as_json: AsJson = False) -> None:
    """Prove a policy for the people it is for; exits with 1 where it cannot take effect."""
    with in_words():
        if directory is None:
            find(home)
        began = perf_counter()
        proof = asyncio.run(_check(_policy(file), _directory(directory) if directory else None))
        if as_json:
            print(proof.model_dump_json(indent=1))
        else:
            from infrastructure.commands.policy_told import tell_proof

            tell_proof(proof, perf_counter() - began)
        if proof.violations:
            raise typer.Exit(WRONG)


@app.command()
def propose(file: File, by: By = "", home: Home = HERE) -> None:
    """Propose a policy that is proven; somebody else approves it."""
    with in_words():
        find(home)
        proposal = asyncio.run(_propose(_policy(file), home, by))
    print(f"✓ proposed, from {proposal.effective_from}: version {proposal.object}")
    print(f"Somebody else approves it: almoner policy approve {proposal.object[:12]}")


@app.command()
def approve(
    version: Annotated[str, typer.Argument(help="Which proposal; its first characters are enough.")],
    by: By = "",
    home: Home = HERE,
) -> None:
    """Put a proposed policy in force that somebody else wrote."""
    with in_words():
        find(home)
        told = asyncio.run(_approve(version, home, by))
    if isinstance(told, str):
        print(told)
        return
    if not told.new:
        print(f"It is in force already: {told.author} wrote it, {told.approver} approved it.")
        return
    print(f"✓ in force from {told.effective_from}: {told.author} wrote it, {told.approver} approved it{told.warning}")


@app.command()
def proposals(home: Home = HERE, as_json: AsJson = False) -> None:
    """List what waits for approval, and what it would change."""
    with in_words():
        find(home)
        found = asyncio.run(_proposals())
        if as_json:
            print(json.dumps([{**one.model_dump(mode="json"), "changes": changes} for one, changes in found], indent=1))
            return
        for one, changes in found:
            print(f"{one.object[:12]}  by {one.author}, from {one.effective_from}")
            for change in changes:
                print(f"  {change}")
        if not found:
            print("Nothing waits for approval.")


@app.command()
def adopt(file: Either, home: Home = HERE) -> None:
    """Put the very first policy in force, or a directory before it; those that follow are proposed and approved."""
    with in_words():
        find(home)
        is_directory = b'"people"' in document(file)
        asyncio.run(_adopt_directory(_directory(file)) if is_directory else _adopt_policy(_policy(file)))


async def _check(policy: "Policy", people: "Directory | None") -> "Proof":
    from blocks import connect
    from blocks.records.people import Duties
    from tasks.case import utc_now
    from tasks.rules.proof import prove
    from tasks.signing.policy_changes import proof_of

    at = utc_now()
    return prove(policy, people, Duties(), at) if people else await proof_of(policy, connect.shelf(), at)


async def _propose(policy: "Policy", home: Path, by: str) -> "Proposal":
    from blocks import connect
    from tasks.signing.policy_changes import propose as propose_policy

    outside, who = connect.current(), await speaker(home, by)
    return await propose_policy(policy, who.by.id, who.door, ledger=outside.ledger, shelf=outside.shelf, at=who.at)


async def _approve(version: str, home: Path, by: str) -> "InForce | str":
    from blocks import connect
    from tasks.signing.matters import ToConfirmError
    from tasks.signing.policy_changes import approve as approve_policy
    from tasks.signing.stepup import where_to_confirm

    outside, who = connect.current(), await speaker(home, by)
    try:
        return await approve_policy(version, who.by.id, who.door, ledger=outside.ledger, shelf=outside.shelf, at=who.at)
    except ToConfirmError as asked:
        return f"{asked} {where_to_confirm(asked.request)}"


async def _proposals() -> "list[tuple[Proposal, list[str]]]":
    from blocks import connect
    from blocks.books import POLICY
    from tasks.signing.proposals import differences, open_proposals

    outside = connect.current()
    waiting = open_proposals(await outside.ledger.read(POLICY))
    policy = outside.shelf.policy
    return [(one, differences(await policy(one.instead_of), await policy(one.object))) for one in waiting]


async def _adopt_policy(policy: "Policy") -> None:
    from blocks import connect
    from tasks.case import utc_now
    from tasks.signing.policy_changes import adopt_first

    outside = connect.current()
    await adopt_first(policy, _door(), ledger=outside.ledger, shelf=outside.shelf, at=utc_now())
    print(f"✓ in force from {policy.effective_from}")


async def _adopt_directory(directory: "Directory") -> None:
    """Take the people as they are, before any policy is in force."""
    from blocks import connect
    from tasks.case import utc_now
    from tasks.signing.directory_changes import adopt_first

    outside = connect.current()
    version = await adopt_first(directory, _door(), ledger=outside.ledger, at=utc_now())
    print(f"✓ in force from {directory.effective_from}, version {version}")


def _policy(file: Path) -> "Policy":
    from blocks.errors import RefusedError
    from blocks.records.policy import Policy

    told = document(file)
    if b'"people"' in told and b'"matrices"' not in told:
        raise RefusedError(
            "file", f"{file.name}: these are people, and no policy: `almoner people propose {file.name}`"
        )
    return Policy.model_validate_json(told)


def _directory(file: Path) -> "Directory":
    from blocks.records.people import Directory

    return Directory.model_validate_json(document(file))


def _door() -> str:
    import getpass

    return f"cli~{getpass.getuser()}"
