"""`almoner policy explain` and `try`: what policy makes of one case, and what another would have made of past ones."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from infrastructure.commands.policy_told import in_words
from infrastructure.commands.speaking import document
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from decimal import Decimal

    from tasks.rules.explain import Explanation
    from tasks.rules.replay import Replay

Category = Literal["supplies", "implants", "capital", "services"]
Home = Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


def explain(  # noqa: PLR0913, PLR0917  each supposed fact is an option
    file: Annotated[Path | None, typer.Argument(help="A requisition, as JSON.", exists=True, dir_okay=False)] = None,
    case: Annotated[str, typer.Option(help="A case of the ledger, such as RQ-OKIPKKIRS6.")] = "",
    category: Annotated[Category | None, typer.Option(help="Suppose it is of this category.")] = None,
    amount: Annotated[str | None, typer.Option(help="Suppose it costs this much.")] = None,
    contract: Annotated[bool | None, typer.Option(help="Suppose a contract fixes the price, or none does.")] = None,
    budget: Annotated[str | None, typer.Option(help="Suppose a budget of this much a year.")] = None,
    budget_left: Annotated[str | None, typer.Option(help="Suppose this much of it is left.")] = None,
    recent: Annotated[str | None, typer.Option(help="Suppose earlier orders of this much count too.")] = None,
    home: Home = Path(".almoner"),
    as_json: AsJson = False,
) -> None:
    """Tell who is asked, why, in what order, until when; who could decide and why they, who could not and why.

    What is not supposed is looked up in the ERP; with --category and --amount nothing is.
    """
    if (file is None) == (not case):
        raise typer.BadParameter("name a requisition's file, or --case")
    with in_words():
        find(home)
        money = {"amount": amount, "budget": budget, "budget_left": budget_left, "recent": recent}
        supposed: dict[str, Any] = {"category": category, "contract": contract}
        supposed |= {name: _number(told) for name, told in money.items() if told is not None}
        told = asyncio.run(_explain_case(case) if file is None else _explain(document(file), supposed))
        if as_json:
            print(told.model_dump_json(indent=1))
        else:
            from infrastructure.commands.policy_told import tell_explanation

            tell_explanation(told)


def try_policy(
    file: Annotated[Path, typer.Argument(help="A proposed policy, as JSON.", exists=True, dir_okay=False)],
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Cases received from this day on.")],
    home: Home = Path(".almoner"),
    as_json: AsJson = False,
) -> None:
    """Replay past cases: who was asked and would be, how long that takes, what changes, whom nobody could decide."""
    with in_words():
        find(home)
        told = asyncio.run(_try(document(file), since.replace(tzinfo=UTC)))
        if as_json:
            print(told.model_dump_json(indent=1))
        else:
            from infrastructure.commands.policy_told import tell_replay

            tell_replay(told)


async def _try(raw: bytes, since: datetime) -> "Replay":
    from blocks import connect
    from blocks.records.policy import Policy
    from tasks.auditing.trying import try_policy as try_on_ledger
    from tasks.case import utc_now

    policy, outside = Policy.model_validate_json(raw), connect.current()
    return await try_on_ledger(policy, since, ledger=outside.ledger, shelf=outside.shelf, at=utc_now())


async def _explain(raw: bytes, told: dict[str, Any]) -> "Explanation":
    from blocks import connect
    from blocks.records.purchasing import Requisition
    from tasks.auditing.explaining import Supposed, facts_for
    from tasks.case import utc_now
    from tasks.rules.explain import foreseen

    request, supposed, now = Requisition.model_validate_json(raw), Supposed(**told), utc_now()
    facts = await facts_for(request, supposed, None if supposed.is_enough else connect.erp(), now.date())
    return foreseen(request, facts, await connect.shelf().in_force(now), now)


async def _explain_case(case: str) -> "Explanation":
    from blocks import connect
    from tasks.auditing.explaining import explain_case
    from tasks.case import utc_now

    outside = connect.current()
    return await explain_case(case, ledger=outside.ledger, shelf=outside.shelf, at=utc_now())


def _number(told: str) -> "Decimal":
    from decimal import Decimal, InvalidOperation

    try:
        return Decimal(told.replace(",", ""))
    except InvalidOperation:
        raise typer.BadParameter(f"{told} is no amount: say 12500.50") from None
