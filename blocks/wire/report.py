"""The report of a case: its chain told for people, in Markdown; and its reasons as a table."""

from collections.abc import Callable, Sequence
from typing import Any

from blocks.ledger import Chain, entry_key
from blocks.records.approval import Ask, Decision
from blocks.records.ledger import Line
from blocks.records.money import Money
from blocks.records.outcome import Outcome

Row = dict[str, str]


def case_report(chain: Chain, rows: list[Row] | None = None) -> str:
    """Tell a case: facts, route, decisions, order, and where the ledger holds it. *rows*: its reasons, if at hand."""
    received = chain.last("received")
    request = received.body["request"] if received else {}
    parts = [f"# {chain.case}", headline(chain), "", "| asked | |", "|---|---|"]
    parts += [
        f"| {name.replace('_', ' ')} | {_cell(value)} |" for name, value in request.items() if value not in (None, "")
    ]
    parts += ["", "## What happened", "", "| when (UTC) | who | what |", "|---|---|---|"]
    told = reasons(chain) if rows is None else rows
    parts += [f"| {row['when']} | {row['who']} | {row['what']} |" for row in told]
    parts += [
        "",
        "## Evidence",
        "",
        f"{chain.seq} ledger entries, head `{chain.head}`,",
        f"first `{entry_key(chain.case, 1)}`.",
    ]
    parts += ["", f"`almoner ledger show {chain.case}` prints them; `almoner ledger verify` proves them."]
    return "\n".join(parts) + "\n"


def reasons(chain: Chain) -> list[Row]:
    """Tell a case line by line: when, who, what and why; reads that only fetched facts are told by what they found."""
    told = ((line, tell(line)) for line in chain.lines)
    return [{"when": f"{line.at:%Y-%m-%d %H:%M:%S}", "who": line.actor, "what": what} for line, what in told if what]


def tell(line: Line) -> str:
    """Tell one line in a sentence; empty for a line that says nothing to people."""
    teller = TELLERS.get(line.act, _act)
    return teller(line)


def headline(chain: Chain) -> str:
    """Say in a line how a case stands."""
    if ended := chain.last("ended"):
        outcome = ended.record(Outcome, "outcome")
        return f"**{outcome.ended.capitalize()}**: {_cell(outcome.because)}"
    if parked := in_doubt(chain):
        return f"**In doubt**: did the {_cell(parked.body['effect'])} happen? A person must look"
    if (open_ones := _open(chain)) and not chain.last("withdrawn"):
        return f"**Waits** for {' and '.join(_cell(ask.whom) for ask in open_ones)}"
    return "**Under way**"


def _open(chain: Chain) -> list[Ask]:
    """List the asks that nobody has answered and that still need an answer."""
    decisions = [line.record(Decision, "decision") for line in chain.having("decided")]
    decided = {one.ask for one in decisions}
    asks = (line.record(Ask, "ask") for line in chain.having("asked") if line.key not in decided)
    return [ask for ask in asks if not ask.settled(decisions)]


def in_doubt(chain: Chain) -> Line | None:
    """Find the effect of which nobody can say whether it happened, until a person has settled it."""
    words = [line for line in chain.lines if line.act in {"parked", "settled", "outcome"}]
    return words[-1] if words and words[-1].act == "parked" else None


def times_woken(lines: Sequence[Line]) -> int:
    """Count how often somebody woke a case by hand, as some of its lines tell."""
    return sum(line.body["times"] for line in lines if line.act == "woken")


def _act(line: Line) -> str:
    return line.act


def _received(line: Line) -> str:
    message = line.body.get("message", {})
    return f"received from {message.get('source')} as {_cell(message.get('id'))}"


def _step(line: Line) -> str:
    result, name = line.body.get("result"), line.body.get("step", "")
    if name == "look_up" and isinstance(result, dict):
        return _looked_up(result)
    if name in {"hold_funds", "release_funds", "drop_spend"}:
        return str(name).replace("_", " ")
    if name == "note_spend" and result:
        return f"counted with {Money.model_validate(result)} ordered lately"
    return ""


def _looked_up(facts: dict[str, Any]) -> str:
    sourcing = facts["sourcing"]
    price = Money.model_validate(sourcing["unit_price"]) if sourcing["unit_price"] else "no price"
    contract = f"contract {sourcing['contract']}" if sourcing["contract"] else "no contract"
    left = Money.model_validate(facts["left"])
    return f"looked up: {sourcing['on_hand']} on hand, {price} each, {contract}, {left} of the budget left"


def _asked(line: Line) -> str:
    ask = line.record(Ask, "ask")
    whom = f"{_cell(ask.added.name)}, whom {_cell(ask.added.by)} added," if ask.added else ask.role
    why = "" if ask.added else f": {_cell(ask.why)}"
    return f"asked {whom} to approve {ask.amount}{why}"


def _decided(line: Line) -> str:
    decision = line.record(Decision, "decision")
    note = f": {_cell(decision.note)}" if decision.note else ""
    role = "as added" if decision.added else f"as {decision.role}"
    few = f" {decision.quantity:,} of them" if decision.quantity else ""
    signed = ", signed with a passkey" if decision.proof else ""
    lent = decision.emergency
    by = f", {_cell(lent.words)} until {lent.until:%Y-%m-%d %H:%M} UTC" if lent else ""
    return f"**{decision.done}**{few} by {_cell(decision.name)} {role}{by}{signed}{note}"


def _intent(line: Line) -> str:
    return f"intends the {line.body.get('effect')} under key `{line.key}`"


def _unheard(body: dict[str, Any]) -> str:
    if "refused" in body:
        return f"a further call was refused ({_cell(body['refused'])}), which says nothing of the first"
    return "the answer was lost"


def _settled(line: Line) -> str:
    effect, verdict = line.body["effect"], line.body["verdict"]
    if verdict == "made":
        return f"says that the {effect} was made: {_cell(line.body['document']['number'])}"
    if verdict == "not-made":
        return f"says that the {effect} was not made"
    return f"gives up the {effect}: {_cell(line.body['because'])}"


def _woken(line: Line) -> str:
    state, times = line.body["state"], line.body["times"]
    often = f", {times:,} times" if times > 1 else ""
    return f"woken by hand in Prefect ({_cell(state)}){often}: nothing was decided, so it sleeps again"


def _advice(body: dict[str, Any]) -> str:
    unseen = "" if body["words"] else " (shown to nobody: it is not sure enough)"
    return f"{_cell(body['advice']['because'])}{unseen}"


def _told(line: Line) -> str:
    if "root" in line.body:  # the log's fingerprint
        return f"told the fingerprint of {line.body['size']:,} entries, `{line.body['root'][:16]}…`"
    return f"told {', '.join(line.body['whom'])}"


def _outcome(line: Line) -> str:
    if "refused" in line.body:
        return f"{line.body['effect']} refused: {_cell(line.body['refused'])}"
    document = line.body["document"]
    return f"{line.body['how']}: {document['kind']} {_cell(document['number'])} ({_cell(document['state'])})"


def _ended(line: Line) -> str:
    outcome = line.record(Outcome, "outcome")
    return f"**{outcome.ended}**: {_cell(outcome.because)}"


TELLERS: dict[str, Callable[[Line], str]] = {
    "received": _received,
    "step": _step,
    "asked": _asked,
    "advised": lambda line: f"{line.body['advice']['model']} advises: {_advice(line.body)}",
    "posted": lambda line: f"card posted in {line.body['channel']}",
    "confirming": lambda line: f"has yet to sign the {line.body['request']['verdict']} with a passkey",
    "decided": _decided,
    "drawn": lambda line: f"the card still asks: {_cell(line.body['refused'])}" if line.body else "",
    "late": lambda line: f"{line.body['verdict']} came too late: {_cell(line.body['because'])}",
    "refused-click": lambda line: f"{line.body['verdict']} did not count: {_cell(line.body['because'])}",
    "woken": _woken,
    "reminded": lambda line: f"reminds {', '.join(line.body['whom'])}" + (" to answer" if line.body["stopped"] else ""),
    "escalated": lambda line: f"lets {', '.join(line.body['people']) or 'nobody above'} decide it as well",
    "rerouted": lambda line: f"asks {', '.join(line.body['people']).replace('~', ' for ') or 'nobody'} now",
    "told": _told,
    "stamped": lambda line: f"{_cell(line.body['by'])} time-stamped {line.body['size']:,} entries at {line.body['at']}",
    "handed": lambda line: f"hands it over to {_cell(line.body['name'])}",
    "added": lambda line: f"adds {_cell(line.body['name'])}, who has to approve it too",
    "held-legally": lambda line: f"puts {_cell(line.key)} under legal hold: {_cell(line.body['because'])}",
    "hold-lifted": lambda line: f"lifts the legal hold on {_cell(line.key)}: {_cell(line.body['because'])}",
    "held-ask": lambda line: f"puts it on hold: {_cell(line.body['because'])}",
    "resumed": lambda _: "resumes it",
    "withdrawn": lambda _: "withdraws it",
    "logged-in": lambda line: f"logs in at {_cell(line.body['session']['device'])}, with a passkey",
    "logged-out": lambda _: "logs out",
    "told-waiting": lambda _: "",
    "concluded": lambda _: "",
    "question": lambda line: f"asks: {_cell(line.body['text'])}",
    "answer": lambda line: f"answers: {_cell(line.body['text'])}",
    "intent": _intent,
    "unknown": lambda line: f"{line.body['effect']}: {_unheard(line.body)}, so it is looked up",
    "taken": lambda line: f"takes the {line.body['effect']} over, in case whoever began it comes back",
    "unsent": lambda line: f"{line.body['effect']}: the system could not be reached, so nothing was sent",
    "parked": lambda line: f"{line.body['effect']}: in doubt, waits for a person",
    "doubt": lambda line: f"nobody could be asked: {_cell(line.body['refused'])}" if "refused" in line.body else "",
    "doubt-drawn": lambda _: "",
    "settled": _settled,
    "attempt": lambda line: f"tries the {line.body['effect']} again under key `{line.key}`",
    "outcome": _outcome,
    "reversal-asked": lambda line: (
        f"wants journal entry {_cell(line.key)} reversed ({_cell(line.body['books'])}): {_cell(line.body['because'])}"
    ),
    "reversing": lambda line: f"agrees that journal entry {_cell(line.key)} be reversed",
    "cancelling": lambda line: f"wants it cancelled: {_cell(line.body['because'])}",
    "ended": _ended,
}


def _cell(value: object) -> str:
    """Print text so that it cannot break out of a table's cell."""
    return str(value).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
