"""A little ERP behind HTTP, of any of ten personalities, with books of its own that tests may read.

    POST /orders, /issues            Idempotency-Key; {"reference", "draft"} → 201 the document
    GET  /orders?reference=…         what shows by now
    GET  /orders/<number>            one document: 202 while it is being made
    POST /cancellations              the document: taken back once, however often it is asked
    POST /reversals                  {"reference", "draft"} → what reverses the journal entry: one, however often
    POST /sourcing                   {"request", "on"}
    GET  /traces?number=…            of which document an invoice or a journal entry came

It makes a second document whenever its personality lets it: nothing here knows that there should be one.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from time import monotonic
from types import MappingProxyType
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from blocks.errors import RefusedError
from blocks.ports import Personality
from blocks.records.purchasing import CancelDraft, ErpDocument, IssueDraft, OrderDraft, Requisition, ReverseDraft
from tests.fakes.erp import Booked, FakeErp
from tests.fakes.erp_bills import Reversed

DAY_S = 86_400
_DAY = Personality(DAY_S, finds=False, knows_before_it_judges=True)
PERSONALITIES = MappingProxyType({
    "a key kept for a day": _DAY,
    "a key kept for a week": _DAY._replace(key_kept_s=7 * DAY_S),
    "400 and the address of the first": _DAY._replace(repeated="pointed at"),
    "409 at work, 422 for something else": _DAY._replace(repeated="refused at work"),
    "a look-up that lags": Personality(0, finds=True, lag_s=120),
    "nothing at all": Personality(0, finds=False),
    "a key for good, found at once": Personality(None, finds=True),
    "a key for good, and a look-up": Personality(None, finds=True, lag_s=120, knows_before_it_judges=True),
    "a key and a look-up, judges first": Personality(DAY_S, finds=True, lag_s=120),
    "a key alone, judges first": Personality(DAY_S, finds=False),
})  # fmt: skip
"""The six ways in which ERPs treat a key; Tryton's, and the same with a lag; and two that say no to a further call
before they know its key."""
NOBODY_TELLS = frozenset({"nothing at all", "a key alone, judges first"})
"""Those under which a person may have to look."""
DRAFTS = {"orders": OrderDraft, "issues": IssueDraft}
Draft = OrderDraft | IssueDraft


@dataclass
class Job:
    """One call that was taken: its key, what it asked for, when; and, once it is worked off, its document."""

    number: int
    kind: str
    reference: str
    draft: Draft
    at: float
    due: float
    key: str = ""
    own: str = ""
    booked: Booked | None = None


@dataclass
class ErpServer:
    """The server's books, and its faults: what is set is used up by the calls to come."""

    personality: Personality
    clock: Callable[[], float] = monotonic
    shows_after_s: float = 30.0
    """How long a document exists before a look-up shows it, where look-ups lag."""
    lose: int = 0
    """How many coming calls are worked off and their answers lost."""
    fail: int = 0
    """How many coming calls are turned away before anything is done."""
    slow_s: float = 0.0
    """How long the next call is worked on after its answer was lost."""
    jobs: list[Job] = field(default_factory=list)
    books: FakeErp = field(default_factory=FakeErp)
    _numbers: Any = field(default_factory=lambda: count(1))

    def booked(self) -> list[Booked]:
        """List every document ever made, first come first."""
        return [job.booked for job in self._worked_off() if job.booked]

    def reversed(self) -> list[Reversed]:
        """List what reverses a journal entry, first come first."""
        return self.books.reversed()

    @property
    def app(self) -> Starlette:
        """Serve it."""
        routes = [
            Route("/sourcing", self._sourcing, methods=["POST"]),
            Route("/cancellations", self._cancelled, methods=["POST"]),
            Route("/reversals", self._reversed, methods=["POST"]),
            Route("/traces", self._traced, methods=["GET"]),
        ]
        for kind in DRAFTS:
            routes += [
                Route(f"/{kind}", self._posted(kind), methods=["POST"]),
                Route(f"/{kind}", self._found(kind), methods=["GET"]),
                Route(f"/{kind}/{{number:int}}", self._shown, methods=["GET"]),
            ]
        return Starlette(routes=routes)

    async def _sourcing(self, request: Request) -> Response:
        asked = await request.json()
        self._worked_off()
        try:
            found = await self.books.sourcing(
                Requisition.model_validate(asked["request"]), date.fromisoformat(asked["on"])
            )
        except RefusedError as refusal:
            return JSONResponse({"error": refusal.detail}, 400)
        return JSONResponse(found.model_dump(mode="json"))

    async def _traced(self, request: Request) -> Response:
        """Say which orders it came of, each by the key that it was asked for by, whichever of several it was."""
        if self.fail:
            self.fail -= 1
            return JSONResponse({"error": "come back later"}, 503)
        found = await self.books.trace(request.query_params["number"])
        asked_by = {job.own: job.reference for job in self._worked_off()}
        return JSONResponse([one.model_dump(mode="json") | {"key": asked_by.get(one.key, one.key)} for one in found])

    async def _cancelled(self, request: Request) -> Response:
        """Take a document back: its state is its key, so that once more changes nothing."""
        draft = CancelDraft.model_validate(await request.json())
        if self.fail:
            self.fail -= 1
            return JSONResponse({"error": "come back later"}, 503)
        named = (draft.of, draft.number)
        jobs = (x for x in self._worked_off() if x.booked and (x.reference, x.booked.document.number) == named)
        try:
            job = next(jobs)
            own = draft.model_copy(update={"of": job.own})
            made = await self.books.cancel(own, key=own.of)
        except StopIteration:
            said = f"the ERP holds no {draft.kind} {draft.number} under our key"
            return JSONResponse({"error": said}, 400)
        except RefusedError as refusal:
            return JSONResponse({"error": refusal.detail}, 400)
        if job.booked:
            job.booked = job.booked._replace(live=False)
        return self._said(made.model_copy(update={"key": draft.of}))

    async def _reversed(self, request: Request) -> Response:
        """Reverse the entry of a bill for any order under a key: an entry is reversed once."""
        told = await request.json()
        draft = ReverseDraft.model_validate(told["draft"])
        if self.fail:
            self.fail -= 1
            return JSONResponse({"error": "come back later"}, 503)
        named = (draft.of, draft.number)
        jobs = (x for x in self._worked_off() if x.booked and (x.reference, x.booked.document.number) == named)
        own = next((job.own for job in jobs), draft.of)
        try:
            made = await self.books.reverse(draft.model_copy(update={"of": own}), key=told["reference"])
        except RefusedError as refusal:
            return JSONResponse({"error": refusal.detail}, 400)
        return self._said(made.model_copy(update={"key": draft.of}))

    def _said(self, made: ErpDocument) -> Response:
        if self.lose:
            self.lose -= 1
            return JSONResponse({"error": "the gateway waited in vain"}, 504)
        return JSONResponse(made.model_dump(mode="json"))

    def _posted(self, kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def posted(request: Request) -> Response:
            told = await request.json()
            draft = DRAFTS[kind].model_validate(told["draft"])
            if self.fail:
                self.fail -= 1
                return JSONResponse({"error": "come back later"}, 503)
            if self._judges(kind, told["reference"]):
                return JSONResponse({"error": "the period is closed"}, 400)
            key = request.headers.get("idempotency-key", "")
            if (known := self._known(kind, key)) and (answer := self._repeated(known, draft)):
                return answer
            return await self._taken(kind, key, told["reference"], draft)

        return posted

    def _judges(self, kind: str, reference: str) -> bool:
        """Say no to a further call, also while the first is at work, where the key is looked at last.

        Where it is kept for good, what is made is found before anything is judged, as Tryton's adapter does.
        """
        how = self.personality
        before = [x for x in self._worked_off() if (x.kind, x.reference) == (kind, reference)]
        again = any(x.booked is None for x in before) if how.key_kept_s is None else bool(before)
        return again and how.knows_keys and not how.knows_before_it_judges

    def _known(self, kind: str, key: str) -> Job | None:
        """Find the first call with a key, unless it was too long ago."""
        kept_s, jobs = self.personality.key_kept_s, self._worked_off()
        since = 0.0 if kept_s is None else self.clock() - kept_s
        return next((x for x in jobs if key and (x.kind, x.key) == (kind, key) and x.at > since), None)

    def _repeated(self, known: Job, draft: Draft) -> Response | None:
        """Answer a repeated key as the personality has it; None: it is not recognised."""
        if not self.personality.knows_keys:
            return None
        if self.personality.repeated == "pointed at":
            return JSONResponse({"error": "this key was used"}, 400, {"location": f"/{known.kind}/{known.number}"})
        if self.personality.repeated == "refused at work":
            if known.draft != draft:
                return JSONResponse({"error": "this key was used for something else"}, 422)
            if known.booked is None:
                return JSONResponse({"error": "the first is being worked on"}, 409)
        return self._answer(known, 200)

    async def _taken(self, kind: str, key: str, reference: str, draft: Draft) -> Response:
        job = Job(next(self._numbers), kind, reference, draft, self.clock(), self.clock() + self.slow_s, key)
        slow, self.slow_s = self.slow_s, 0.0
        if not slow:
            try:
                await self._work(job)
            except RefusedError as refusal:
                return JSONResponse({"error": refusal.detail}, 400)
        self.jobs.append(job)
        if slow or self.lose:
            self.lose -= not slow
            return JSONResponse({"error": "the gateway waited in vain"}, 504)
        return self._answer(job, 201)

    async def _work(self, job: Job) -> None:
        """Make the document, under a number of its own whoever made one for the same reference before."""
        job.own = own = f"{job.reference}/{job.number}" if self._twice(job) else job.reference
        make = self.books.order if job.kind == "orders" else self.books.issue
        made = await make(job.draft, key=own)  # type: ignore[arg-type]
        job.booked = Booked(made.model_copy(update={"key": job.reference}), job.draft)

    def _twice(self, job: Job) -> bool:
        return any((x.kind, x.reference) == (job.kind, job.reference) and x.booked for x in self.jobs)

    def _worked_off(self) -> list[Job]:
        """Work off what is due by now: a slow call is made although nobody waits for it any more."""
        for job in [*self.jobs]:
            if job.booked is None and job.due <= self.clock():
                work = self._work(job)  # it waits for nothing
                try:
                    work.send(None)
                except StopIteration:
                    continue
                except RefusedError:  # nobody waits to hear of it: whoever asks again is told
                    self.jobs.remove(job)
                    continue
                raise AssertionError
        return self.jobs

    def _found(self, kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def found(request: Request) -> Response:
            if not self.personality.finds:
                return JSONResponse({"error": "there is no look-up"}, 404)
            reference, now = request.query_params["reference"], self.clock()
            after_s = self.shows_after_s if self.personality.lag_s else 0.0
            shown = [
                _printed(job)
                for job in self._worked_off()
                if (job.kind, job.reference) == (kind, reference) and job.booked and job.due + after_s <= now
            ]
            return JSONResponse(shown)

        return found

    async def _shown(self, request: Request) -> Response:
        number = request.path_params["number"]
        job = next((job for job in self._worked_off() if job.number == number), None)
        return self._answer(job, 200) if job else JSONResponse({"error": "there is no such document"}, 404)

    def _answer(self, job: Job, status: int) -> Response:
        return JSONResponse(_printed(job), status) if job.booked else JSONResponse({"state": "at work"}, 202)


def _printed(job: Job) -> dict[str, Any]:
    assert job.booked is not None
    return {"document": job.booked.document.model_dump(mode="json"), "draft": job.draft.model_dump(mode="json")}
