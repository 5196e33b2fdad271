"""The guards, each taken out: what a twin runs without.

A guard of this process is a context in which it is patched away. `elsewhere` names one that a process which the scene
starts is to run without: it reads the name with `taken_out` and hands it on.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from datetime import datetime
from secrets import token_hex
from time import monotonic
from types import MappingProxyType
from typing import Any

import httpx
import obstore
import pytest
from slack_sdk.signature import SignatureVerifier

from blocks.errors import ConflictError, RefusedError
from blocks.ledger import Chain, Ledger
from blocks.records.approval import Decision
from blocks.records.ledger import Line
from blocks.rulebook import Shelf
from blocks.store import FolderStore, S3Store, _as_ours
from infrastructure import bell
from tasks import approvals, clock, decide, effects
from tasks.case import Case, Claim
from tasks.claims import LEASE_S, claim
from tasks.decide import judge
from tasks.rules import clock as clock_rules
from tasks.rules import doubt
from tasks.rules.clock import after
from tasks.rules.doubt import what_next
from tasks.upkeep.lookout import Lookout
from tests.fakes import erp_client
from tests.fakes.erp_client import HttpErp

Guard = Callable[[], AbstractContextManager[object]]
_taken_out: ContextVar[str] = ContextVar("taken out", default="")


def elsewhere(name: str) -> Guard:
    """Take a guard out of the processes that a scene starts, or of what the scene itself puts before them."""

    @contextmanager
    def without() -> Iterator[None]:
        token = _taken_out.set(name)
        try:
            yield
        finally:
            _taken_out.reset(token)

    return without


def taken_out() -> str:
    """Name the guard that processes are to run without; nothing where they run as ever."""
    return _taken_out.get()


def without(name: str) -> AbstractContextManager[object]:
    """Run without a guard, by its name; as ever where there is no name."""
    return GUARDS[name]() if name else nullcontext()


def _patched(where: Any, **instead: Any) -> Guard:
    @contextmanager
    def patched() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in instead.items():
                patch.setattr(where, name, value)
            yield

    return patched


def _all(*guards: Guard) -> Guard:
    @contextmanager
    def every() -> Iterator[None]:
        with ExitStack() as stack:
            for guard in guards:
                stack.enter_context(guard())
            yield

    return every


async def _nothing(*_: Any) -> None:
    return


async def _no_earlier_attempt(case: Any, effect: str, key: str, *_: Any) -> None:
    claim(case, "taken", key, {"effect": effect})


def _only_held(case: Any, _act: str, key: str, _body: Any) -> None:
    case.claims[key] = Claim(1, case.clock(), monotonic())


async def _by_their_own_clocks(case: Case, last: Line) -> float:
    since_s = (case.clock() - last.at).total_seconds()
    return since_s if last.act == "unknown" else since_s - LEASE_S


async def _nobody(*_: Any) -> list[str]:
    return []


async def _without_location(self: HttpErp, *args: Any, **more: Any) -> httpx.Response:
    answer = await _send(self, *args, **more)
    answer.headers.pop("location", None)
    return answer


_send = HttpErp._send


async def _quick_to_lose(self: S3Store, key: str, data: bytes) -> None:
    with _as_ours():
        await obstore.put_async(self._bucket, key, data, mode="create", use_multipart=False)


async def _at_a_loss(self: S3Store, key: str, data: bytes) -> None:
    try:
        await _quick_to_lose(self, key, data)
    except ConflictError:
        if await self.get(key) != data:
            raise


async def _overwrite(self: FolderStore, key: str, data: bytes) -> None:
    path = self._root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.parent / f".{token_hex(8)}"
    draft.write_bytes(data)
    draft.replace(path)


class _Like(str):
    """Text that no comparison finds different."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, _: object) -> bool:
        return True

    def __ne__(self, _: object) -> bool:
        return False


def _judged_blindly(answer: Any, *more: Any) -> Any:
    return judge(answer._replace(shown=_Like(answer.shown)), *more)


async def _blind_timer(case: str, *, ledger: Ledger, shelf: Shelf, at: datetime) -> tuple[Any, Any]:
    chain = await ledger.read(case)
    due = [(one, move) for one in await clock.waiting_of(chain, shelf, at) if (move := one.due(at))]
    if not due:
        return None, chain
    line = clock._line(due[0][1], due[0][0], at)
    while True:
        try:
            return due[0][1], await ledger.append(chain, [line])
        except ConflictError:
            chain = await ledger.read(case)


def _ageless(self: SignatureVerifier, body: bytes, headers: dict[str, str]) -> bool:
    stamp = headers["x-slack-request-timestamp"]
    made = self.generate_signature(timestamp=stamp, body=body)
    return bool(made == headers["x-slack-signature"])


def _due_in_utc(start: datetime, hours: int, calendar: Any, _zone: str, pauses: Any = ()) -> datetime:
    return after(start, hours, calendar, "UTC", pauses)


def _forgets(self: Case, act: str, key: str = "") -> Line | None:
    return None if act in ("intent", "outcome", "ended") or key.startswith("issue_order~") else _recall(self, act, key)


def _wakes_with_a_yes(chain: Chain, ask: str) -> Decision | None:
    """Take it for a yes that the run goes on although its card was posted."""
    asked, posted = chain.last("asked", ask), chain.last("posted", ask)
    if asked is None or posted is None:
        return None
    seen, role = str(asked.seen), asked.body["ask"]["role"]
    return Decision(
        ask=ask, verdict="approve", by="prefect", name="Prefect", role=role, at=asked.at, shown=seen, directory=""
    )


_recall = Case.recall
forgetful = _patched(effects, _taken_up=_no_earlier_attempt)
"""Whoever tries again calls at once: an earlier attempt is neither looked up, nor waited for, nor left to a person."""
hasty = _patched(effects, what_next=lambda it, **more: what_next(it, **more | {"quiet_s": float("inf")}))
"""What a look-up does not show is not there: nobody waits for a system's lag."""
trusting = _patched(doubt, recognises=lambda *_: True)
"""Every system is taken to know our key for ever."""
new_keys = _patched(effects, effect_key=lambda case, effect, _nth: f"{case}~{effect}~{token_hex(8)}")
"""A key is made as the call is made."""
final = _patched(erp_client, MismatchError=RefusedError)
"""Another document under our key is read as a plain no."""
deaf_to_addresses = _patched(HttpErp, _send=_without_location)
"""A 400 is a no, whatever address comes with it."""
undeclared = _patched(effects, claim=_only_held, is_held=lambda *_: True)
"""Effects are made without an intent in the ledger."""
by_their_own_clocks = _patched(effects, quiet_s=_by_their_own_clocks)
"""How long ago somebody wrote is told by comparing their clock with ours."""
unfenced = _patched(effects, is_held=lambda *_: True)
"""Whoever claimed once calls, however long ago that was, and whoever has claimed since."""
unwatched = _patched(Lookout, standing_still=_nobody)
"""Nobody looks out for cases that stand still."""
quick_to_lose = _patched(S3Store, create=_quick_to_lose)
"""A write that found something there has lost, whatever is there."""
at_a_loss = _patched(S3Store, create=_at_a_loss)
"""A write that lost looks for who has won, and knows nothing to do where there is nobody."""
overwriting = _patched(FolderStore, create=_overwrite)
"""An entry is written over whatever is there."""
open_for_ever = _patched(decide, reason_over=lambda *_: None)
"""An ask takes answers for ever."""
blind_to_change = _all(_patched(decide, judge=_judged_blindly), _patched(approvals, _assert_counts=_nothing))
"""What somebody saw is compared with what is asked neither at the door nor before it is ordered."""

blind_timer = _patched(clock, keep_time=_blind_timer)
"""A timer appends what it judged, whatever has happened since."""
ageless = _patched(SignatureVerifier, is_valid_request=_ageless)
"""What Slack signed once is good for ever."""
in_utc = _patched(clock_rules, after=_due_in_utc)
"""Business hours are counted by the sun over Greenwich."""

amnesiac = _all(_patched(Case, recall=_forgets), unfenced)
"""A case that is run again remembers neither that it ordered, nor what came of it."""
known_to_prefect = _patched(bell, _begin=_nobody)
"""What Prefect does not know is run by nobody."""
resume_means_yes = _all(
    _patched(approvals, decision_of=_wakes_with_a_yes), _patched(approvals, _assert_counts=_nothing)
)
"""Whoever wakes a run has answered."""

GUARDS = MappingProxyType({
    "forgetful": forgetful, "overwriting": overwriting, "unfenced": unfenced, "ageless": ageless,
    "trusting": trusting,
})  # fmt: skip
"""Those that a process of its own may be told to run without."""
