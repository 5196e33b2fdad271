"""Durability: what lets a process sleep for a week and wake on another machine.

The only place that touches Prefect's flow and task. A step's memory is the case's chain in the ledger, so a
process can be run again from its first line by anybody, anywhere: what was done is remembered, what was not is
done. The same function runs under Prefect (`@process` makes a flow of it) and without (`carry`).
"""

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, ParamSpec, TypeVar, get_type_hints
from uuid import UUID

from prefect import Flow, Task, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State, TaskRun
from prefect.context import FlowRunContext
from prefect.exceptions import Pause
from prefect.states import Cancelled, Completed
from prefect.tasks import exponential_backoff
from prefect.utilities.engine import propose_state
from pydantic import TypeAdapter
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from blocks import connect
from blocks.errors import UnavailableError
from blocks.ledger import Chain
from blocks.records.base import Record
from blocks.records.outcome import Outcome
from blocks.wire.canonical import digest
from tasks.arrivals import Message, receive
from tasks.case import Case, OvertakenError, Waiting, current, in_hand, utc_now
from tasks.decide import waits_for
from tasks.evidence import publish
from tasks.runs import asleep
from tasks.strict_results import refuse_pickles
from tasks.undoing import undoing
from tasks.waking import ACT as WOKEN
from tasks.waking import note_wakes

P = ParamSpec("P")
R = TypeVar("R")
Request = TypeVar("Request", bound=Record)

refuse_pickles()

RETRIES = 4
BACKOFF_S = 0.5
"""Four more tries within about eight seconds; what stays away longer is taken up again by upkeep."""


def step(fn: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Make a step of *fn*: done once a case for the same input, retried on `UnavailableError` alone.

    Its key is the step's name and the digest of its input, not its source: a release while people decide
    must not order twice. Its result is kept in the chain as JSON and read back strictly into its type.
    """
    memory = _Memory.of(fn)
    as_task: Callable[P, Awaitable[R]] = task(
        persist_result=False,
        cache_policy=NO_CACHE,
        retries=RETRIES,
        retry_delay_seconds=exponential_backoff(backoff_factor=BACKOFF_S),
        retry_condition_fn=_worth_retrying,
    )(fn)

    @functools.wraps(fn)
    async def remembered(*args: P.args, **kwargs: P.kwargs) -> R:
        case = current()
        key = memory.key(*args, **kwargs)
        if line := case.recall("step", key):
            return memory.load(line.body["result"])
        done: R = await (as_task if case.run else patiently(fn))(*args, **kwargs)
        case.note("step", key, body={"step": fn.__name__, "result": memory.dump(done)})
        return done

    return remembered


@dataclass(frozen=True)
class Process(Generic[Request]):
    """A business process: how it is carried, with or without Prefect."""

    name: str
    prefix: str
    fn: Callable[[Request], Awaitable[Outcome]]
    request: type[Request]
    undo: Mapping[str, Callable[[Request, Outcome], Awaitable[Outcome]]]


PROCESSES: dict[str, Process[Any]] = {}
"""Every process whose module is imported, by name."""


def process(
    prefix: str, **undo: Callable[[Request, Outcome], Awaitable[Outcome]]
) -> Callable[[Callable[[Request], Awaitable[Outcome]]], Flow[[Request], Any]]:
    """Make a process of a function of one request; *prefix* begins the names of its cases.

    *undo*: what goes on from how a case ended, by the line that asks for it (see `tasks.undoing`).
    """

    def decorate(fn: Callable[[Request], Awaitable[Outcome]]) -> Flow[[Request], Any]:
        request = get_type_hints(fn)[next(iter(inspect.signature(fn).parameters))]
        carried = PROCESSES[fn.__name__] = Process(fn.__name__, prefix, fn, request, undo)

        @functools.wraps(fn)
        async def run(request: Request) -> State[Outcome]:
            return await _under_prefect(carried, request)

        return flow(name=fn.__name__, persist_result=False)(run)

    return decorate


def upkeep(fn: Callable[P, Awaitable[str]]) -> Flow[P, Any]:
    """Make a flow that keeps the house true; it is no case. What it returns is shown as the message of its state."""

    @functools.wraps(fn)
    async def run(*args: P.args, **kwargs: P.kwargs) -> State[str]:
        return Completed(message=await fn(*args, **kwargs))

    return flow(name=fn.__name__.replace("_", "-"), persist_result=False)(run)


async def carry(process: Process[Any], case: Case) -> Outcome:
    """Carry a case as far as it goes without Prefect: to its end, or to `Waiting`."""
    with in_hand(case):
        ended = case.recall("ended")
        asked = undoing(case.chain)
        if ended and not asked:
            return Outcome.model_validate(ended.body["outcome"])
        received = case.recall("received")
        if received is None:
            message = f"{case.id} was never received"
            raise LookupError(message)
        request = process.request.model_validate(received.body["request"])
        if ended and asked:
            outcome = await process.undo[asked.act](request, Outcome.model_validate(ended.body["outcome"]))
        else:
            outcome = await process.fn(request)
        case.note("ended", body={"outcome": outcome.model_dump(mode="json")})
        await case.write()
        return outcome


async def conclude(outcome: Outcome) -> None:
    """Put how the case ends into the ledger before anything is given back or told: it stands, whoever carries it next.

    Another run may have got further meanwhile, on what it saw: then this is where we hear of it (`OvertakenError`).
    """
    case = current()
    if not case.recall("concluded"):
        case.note("concluded", body={"outcome": outcome.model_dump(mode="json")})
    await case.write()


def concluded() -> Outcome | None:
    """Recall how the case in hand ends, where that was put into the ledger before it had."""
    line = current().recall("concluded")
    return Outcome.model_validate(line.body["outcome"]) if line else None


async def sleep_until_rung(on: str) -> None:
    """Let the case sleep: the run is suspended, nothing of it stays in memory. Never returns.

    The bell wakes it, and it starts from its first line. A Resume from anywhere else does the same, and
    finds in the ledger what the bell would have found; where that is nothing, the attempt is noted.
    """
    case = current()
    if case.is_as_found and not case.chain.last(WOKEN):
        await _note_wakes(case)
    await case.write()
    if case.run is None:
        raise Waiting(case.id, on)
    await _suspend(case.run, on)


async def _note_wakes(case: Case) -> None:
    if case.run:
        async with get_client() as client:
            await note_wakes(case, client)


async def _suspend(run: str, on: str) -> NoReturn:
    async with get_client() as client:
        settled = await propose_state(client, asleep(on), flow_run_id=UUID(run))
    raise Pause(state=settled)


async def _under_prefect(process: Process[Any], request: Record) -> State[Outcome]:
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        message = f"{process.name} runs under Prefect, or is carried with `carry`"
        raise RuntimeError(message)
    case = await _opened(process, request, context.flow_run)
    if case.chain.last(WOKEN):  # what was too much to be noted then
        await _note_wakes(case)
    try:
        outcome = await carry(process, case)
    except OvertakenError as overtaken:
        case = Case(case.ledger, await case.ledger.read(case.id), case.actor, run=case.run)
        if on := waits_for(case.chain):
            await _suspend(str(context.flow_run.id), on)
        if not case.recall("ended"):
            message = f"{overtaken}, and carries the case; this run leaves it the way"
            return Cancelled(name="Overtaken", message=message)
        outcome = await carry(process, case)
    await publish(case, outcome)
    return Completed(name=outcome.ended.capitalize(), message=outcome.because, data=outcome)


async def _opened(process: Process[Any], request: Record, run: FlowRun) -> Case:
    """Open the case a run is named after; a run started from the dashboard's form begins one."""
    ledger, actor = connect.ledger(), f"process:{process.name}"
    chain = await ledger.read(run.name) if run.name.startswith(f"{process.prefix}-") else Chain(run.name)
    if not chain.seq:
        raw = request.model_dump_json().encode()
        receipt = await receive(Message("dashboard", str(run.id), raw), ledger, connect.shelf(), utc_now())
        chain = await ledger.read(receipt.case_or_raise())
        async with get_client() as client:
            await client.update_flow_run(run.id, name=chain.case)
    return Case(ledger, chain, actor, run=str(run.id))


@dataclass(frozen=True)
class _Memory(Generic[R]):
    name: str
    signature: inspect.Signature
    inputs: dict[str, TypeAdapter[Any]]
    result: TypeAdapter[R]

    @classmethod
    def of(cls, fn: Callable[..., Awaitable[R]]) -> "_Memory[R]":
        hints = get_type_hints(fn)
        result = TypeAdapter(hints.pop("return"))
        inputs = {name: TypeAdapter(hint) for name, hint in hints.items()}
        return cls(fn.__name__, inspect.signature(fn), inputs, result)

    def key(self, *args: Any, **kwargs: Any) -> str:
        bound = dict(zip(self.inputs, args, strict=False)) | kwargs
        if len(bound) < len(self.inputs):
            filled = self.signature.bind(*args, **kwargs)
            filled.apply_defaults()
            bound = filled.arguments
        given = [self._print(name, bound[name]) for name in self.inputs]
        return f"{self.name}~{digest(b'|'.join(given))[:32]}"

    def _print(self, name: str, value: Any) -> bytes:
        """Print an input without what is at its default: a record may gain optional fields while a case sleeps."""
        return name.encode() + b"=" + self.inputs[name].dump_json(value, exclude_defaults=True)

    def dump(self, result: R) -> Any:
        return self.result.dump_python(result, mode="json")

    def load(self, kept: Any) -> R:
        return self.result.validate_python(kept, strict=False)


async def _worth_retrying(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    return isinstance(await state.aresult(raise_on_failure=False), UnavailableError)


def patiently(fn: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Retry *fn* on `UnavailableError` alone, as a step is; nothing is remembered of it."""

    async def tried(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await fn(*args, **kwargs)
        except UnavailableError as error:  # seldom: what tries again costs more to set up than most steps do
            failed = [error]

        async def again() -> R:
            if failed:
                raise failed.pop()
            return await fn(*args, **kwargs)

        return await AsyncRetrying(
            retry=retry_if_exception_type(UnavailableError),
            stop=stop_after_attempt(RETRIES + 1),
            wait=wait_random_exponential(BACKOFF_S, max=4),
            reraise=True,
        )(again)

    return tried
