"""The dossier of a case, put together from the ledger alone. Knows no Prefect."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from blocks.books import DIRECTORY, POLICY
from blocks.errors import NotFoundError
from blocks.ledger import Chain, Ledger
from blocks.proofs.acts import reason_unproven
from blocks.proofs.keyring import enrolled
from blocks.records.approval import Ask, Decision
from blocks.records.dossier import (
    Approver,
    Change,
    Counsel,
    Deed,
    Dossier,
    LegalHold,
    Look,
    Place,
    Question,
    Version,
)
from blocks.records.ledger import Line
from blocks.records.outcome import Facts, Outcome
from blocks.records.people import Delegation, Person
from blocks.records.purchasing import ErpDocument
from blocks.rulebook import Shelf
from blocks.wire.canonical import canonical, digest
from blocks.wire.names import reference
from blocks.wire.report import headline, tell
from tasks.auditing.explaining import explained
from tasks.auditing.holding import hold_on
from tasks.auditing.past_cases import Asked, past_case
from tasks.rules.explain import Step

ABOUT_EFFECTS = frozenset({"intent", "attempt", "taken", "unknown", "unsent", "parked", "settled", "outcome"})
PLAIN = str.maketrans("", "", "*`\\")


class _Told:
    """A chain with each of its lines at its place."""

    def __init__(self, chain: Chain) -> None:
        follow = (*(entry.prev for entry in chain.entries[1:]), chain.head)
        self.chain = chain
        self.lines: tuple[tuple[Line, Place], ...] = tuple(
            (line, Place(case=chain.case, seq=entry.seq, digest=name))
            for entry, name in zip(chain.entries, follow, strict=True)
            for line in entry.lines
        )

    def having(self, *acts: str, key: str | None = None) -> Iterator[tuple[Line, Place]]:
        return ((x, at) for x, at in self.lines if x.act in acts and (key is None or x.key == key))

    def place(self, act: str, key: str = "") -> tuple[Line, Place]:
        return next(self.having(act, key=key))


async def dossier_of(chain: Chain, *, ledger: Ledger, shelf: Shelf, at: datetime) -> Dossier:
    """Put together what the ledger holds on a case: who asked, decided and did what, on which facts, by which rules.

    `NotFoundError` where there is no such case; `SkippedError` where it is none that people decide.
    """
    if not chain.seq:
        raise NotFoundError(f"the ledger has no case {chain.case}")
    past, told = past_case(chain), _Told(chain)
    received, where = told.place("received")
    now = await shelf.in_force(at)
    versions = _Versions(await ledger.read(POLICY), await ledger.read(DIRECTORY), shelf)
    staff = await shelf.directory(past.pinned["directory"]) if past.pinned else now.directory
    requester, outcome = staff.person(past.request.requester), _outcome(chain)
    held = await hold_on(chain.case, ledger)
    keeper = now.directory.person(held.by) if held else None
    steps = (await explained(chain, past, shelf=shelf, at=at)).steps
    return Dossier(
        case=chain.case,
        headline=headline(chain).translate(PLAIN),
        ended=past.ended,
        because=outcome.because if outcome else "",
        document=outcome.document if outcome else None,
        amount=outcome.amount if outcome else None,
        request=past.request,
        requester=requester.name if requester else past.request.requester,
        requester_title=requester.title if requester else "",
        received=_deed(received, where),
        message=f"{received.source} {received.body.get('message', {}).get('id', '')}".strip(),
        zone=staff.zone,
        policy=await versions.policy(past.pinned["policy"]) if past.pinned else None,
        directory=await versions.directory(past.pinned["directory"]) if past.pinned else None,
        looks=tuple(_looks(told)),
        questions=tuple(
            [
                await _question(told, one, step, ledger=ledger, shelf=shelf, versions=versions)
                for one, step in zip(past.asked, steps, strict=False)
            ]
        ),
        changes=tuple(_changes(told)),
        deeds=tuple(deed for deed in (_deed(*one) for one in told.lines) if deed.what),
        head=chain.head,
        entries=chain.seq,
        hold=LegalHold(since=held.since, by=keeper.name if keeper else held.by, because=held.because) if held else None,
    )


class _Versions:
    """Who put a policy or directory in force, as the books say."""

    def __init__(self, policies: Chain, directories: Chain, shelf: Shelf) -> None:
        self._books = {POLICY: policies, DIRECTORY: directories}
        self._shelf = shelf

    async def policy(self, version: str) -> Version:
        return self._version(POLICY, version, str((await self._shelf.policy(version)).effective_from))

    async def directory(self, version: str) -> Version:
        return self._version(DIRECTORY, version, str((await self._shelf.directory(version)).effective_from))

    def _version(self, book: str, version: str, effective_from: str) -> Version:
        adopted = next((x for x in self._books[book].having("adopted") if x.body["object"] == version), None)
        if adopted is None:
            return Version(version=version, effective_from=effective_from)
        by, signed = adopted.body.get("approver") or adopted.actor.partition(":")[2], bool(adopted.body.get("proof"))
        return Version(
            version=version, effective_from=effective_from, adopted_by=by, adopted_at=adopted.at, signed=signed
        )


async def _question(
    told: _Told, one: Asked, step: Step, *, ledger: Ledger, shelf: Shelf, versions: _Versions
) -> Question:
    line, where = told.place("asked", one.ask.key)
    apart = {"asked", "decided", "drawn", "advised"}
    beside = (x for x in told.lines if x[0].key == one.ask.key and x[0].act not in apart)
    approver = None
    if one.decision:
        approver = await _approver(told, one.ask, one.decision, step, ledger=ledger, shelf=shelf, versions=versions)
    return Question(
        ask=one.ask,
        asked=_deed(line, where),
        due=step.due or (datetime.fromisoformat(line.body["due"]) if "due" in line.body else None),
        shown=line.seen or "",
        kept=await _is_kept(line.seen or "", ledger),
        approver=approver,
        able=tuple(f"{x.name}: {x.because}{' (away)' if x.away else ''}" for x in step.able),
        beside=tuple(deed for deed in (_deed(*x) for x in beside) if deed.what),
        advice=tuple(_counsel(*x, one.decision) for x in told.having("advised", key=one.ask.key)),
    )


def _counsel(line: Line, where: Place, decision: Decision | None) -> Counsel:
    """Read advice as it was kept: what became of it was judged then, and is not judged again."""
    body, advice = line.body, line.body["advice"]
    return Counsel(
        words=body["words"],
        because=advice["because"],
        answer=body["answer"],
        whom=body["whom"],
        model=f"{advice['model']} {advice['version']}",
        confidence=advice["confidence"],
        input=advice["input"],
        holds=digest(canonical(body["made_from"])) == advice["input"],
        then=f"{decision.name} {decision.done} it" if decision else "",
        place=where,
    )


async def _approver(  # noqa: PLR0913  a decision, and everything it is judged by
    told: _Told, ask: Ask, decision: Decision, step: Step, *, ledger: Ledger, shelf: Shelf, versions: _Versions
) -> Approver:
    _, where = told.place("decided", ask.key)
    directory, duties = await shelf.directory(decision.directory), await shelf.duties(decision.duties)
    by, of = directory.person(decision.by), directory.person(decision.on_behalf_of)
    lent = (x for x in duties.held_by(decision.by, decision.at) if x.of == decision.on_behalf_of)
    right = next((x.because for x in step.able if x.person == decision.by), "")
    return Approver(
        person=decision.by,
        name=decision.name,
        title=by.title if by else "",
        role=decision.role,
        right=right or ("added by name" if decision.added else ""),
        on_behalf_of=of.name if of else "",
        delegation=_widest(lent),
        directory=await versions.directory(decision.directory),
        duties=decision.duties,
        verdict=decision.verdict,
        at=decision.at,
        note=decision.note,
        quantity=decision.quantity,
        passkey=await _signed(ask, decision, by, ledger) if decision.proof else "",
        place=where,
    )


async def _signed(ask: Ask, decision: Decision, by: Person | None, ledger: Ledger) -> str:
    reason = reason_unproven(ask, decision, await enrolled(ledger, decision.passkeys))
    name = by.name if by else decision.by
    return f"does not hold: {reason}" if reason else f"the signature of {name}'s passkey holds"


def _widest(lent: Iterable[Delegation]) -> Delegation | None:
    return max(lent, key=lambda x: x.until, default=None)


async def _is_kept(name: str, ledger: Ledger) -> bool:
    try:
        return digest(await ledger.store.get(f"objects/{name}")) == name
    except NotFoundError:
        return False


def _looks(told: _Told) -> Iterator[Look]:
    for line, where in told.having("step"):
        if line.body.get("step") != "look_up":
            continue
        facts = Facts.model_validate(line.body["result"])
        found = facts.sourcing
        yield Look(
            at=line.at,
            on_hand=f"{found.on_hand.normalize():f} {found.unit}",
            unit_price=found.unit_price,
            supplier=found.supplier_name or found.supplier or "",
            contract=found.contract,
            budget=found.budget.budget,
            left=facts.left,
            place=where,
        )


def _changes(told: _Told) -> Iterator[Change]:
    for intent, _ in told.having("intent"):
        lines = [x for x in told.lines if x[0].key == intent.key and x[0].act in ABOUT_EFFECTS]
        made = next(
            (x.body["document"] for x, _ in reversed(lines) if x.act == "outcome" and "document" in x.body), None
        )
        yield Change(
            effect=intent.body["effect"],
            key=intent.key,
            reference=reference(intent.body["draft"].get("of", intent.key)),
            draft={name: value for name, value in intent.body["draft"].items() if value not in (None, "")},
            document=ErpDocument.model_validate(made) if made else None,
            deeds=tuple(_deed(*x) for x in lines),
        )


def _deed(line: Line, where: Place) -> Deed:
    kind, _, name = line.actor.partition(":")
    system = line.source or (name if kind == "door" else "Almoner")
    return Deed(at=line.at, who=name, system=system, what=tell(line).translate(PLAIN), place=where)


def _outcome(chain: Chain) -> Outcome | None:
    ended = chain.last("ended")
    return Outcome.model_validate(ended.body["outcome"]) if ended else None
