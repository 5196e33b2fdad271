"""The `Erp` port over the little ERP's HTTP: what each answer means, whatever the personality behind it."""

from datetime import date
from typing import Any, TypeVar

import httpx

from blocks.errors import MismatchError, OutsideError, RefusedError, UnavailableError, UnknownError, UnreadableError
from blocks.ports import Personality
from blocks.records.purchasing import (
    CancelDraft,
    ErpDocument,
    IssueDraft,
    OrderDraft,
    Requisition,
    ReverseDraft,
    Sourcing,
    Trace,
)

SYSTEM = "HttpErp"
Draft = TypeVar("Draft", OrderDraft, IssueDraft)


class HttpErp:
    """One client. *transport* replaces the network, for tests in one process. `aclose()` it."""

    def __init__(
        self, url: str, personality: Personality, *, timeout_s: float = 10, transport: httpx.AsyncBaseTransport | None
    ) -> None:
        self.personality = personality
        self._http = httpx.AsyncClient(base_url=url, timeout=timeout_s, transport=transport)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def sourcing(self, request: Requisition, on: date) -> Sourcing:
        asked = {"request": request.model_dump(mode="json"), "on": on.isoformat()}
        answer = await self._send("POST", "/sourcing", changes=False, json=asked)
        return Sourcing.model_validate(_read(answer))

    async def order(self, draft: OrderDraft, *, key: str) -> ErpDocument:
        return await self._post("/orders", draft, key)

    async def find_order(self, key: str) -> ErpDocument | None:
        return await self._find("/orders", key)

    async def issue(self, draft: IssueDraft, *, key: str) -> ErpDocument:
        return await self._post("/issues", draft, key)

    async def find_issue(self, key: str) -> ErpDocument | None:
        return await self._find("/issues", key)

    async def cancel(self, draft: CancelDraft, *, key: str) -> ErpDocument:  # noqa: ARG002  its state is its key
        return ErpDocument.model_validate(
            _read(await self._send("POST", "/cancellations", json=draft.model_dump(mode="json")))
        )

    async def reverse(self, draft: ReverseDraft, *, key: str) -> ErpDocument:
        body = {"draft": draft.model_dump(mode="json"), "reference": key}
        return ErpDocument.model_validate(_read(await self._send("POST", "/reversals", json=body)))

    async def trace(self, number: str) -> tuple[Trace, ...]:
        found = _read(await self._send("GET", "/traces", changes=False, params={"number": number}))
        return tuple(Trace.model_validate(one) for one in found)

    async def _post(self, path: str, draft: Draft, key: str) -> ErpDocument:
        body = {"reference": key, "draft": draft.model_dump(mode="json")}
        answer = await self._send("POST", path, json=body, headers={"Idempotency-Key": key})
        if answer.status_code == httpx.codes.BAD_REQUEST and (first := answer.headers.get("location")):
            answer = await self._send("GET", first)
        if answer.status_code in (httpx.codes.ACCEPTED, httpx.codes.CONFLICT):
            raise UnknownError(SYSTEM, "the first call with this key is still at work")
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            raise MismatchError(SYSTEM, "it already has this key, with other contents")
        made = _read(answer)
        if type(draft).model_validate(made["draft"]) != draft:
            raise MismatchError(SYSTEM, f"{made['document']['number']} already has this key, with other contents")
        return ErpDocument.model_validate(made["document"])

    async def _find(self, path: str, key: str) -> ErpDocument | None:
        found = _read(await self._send("GET", path, changes=False, params={"reference": key}))
        return ErpDocument.model_validate(found[0]["document"]) if found else None

    async def _send(self, verb: str, path: str, *, changes: bool = True, **more: Any) -> httpx.Response:
        """Ask; *changes*: something may have been made by now, so that a lost answer is unknown."""
        lost: type[OutsideError] = UnknownError if changes else UnavailableError
        try:
            answer = await self._http.request(verb, path, **more)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise UnavailableError(SYSTEM, f"it cannot be reached ({type(error).__name__})") from error
        except httpx.RequestError as error:
            raise lost(SYSTEM, f"its answer was lost ({type(error).__name__})") from error
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise UnavailableError(SYSTEM, "it asks us to come back later")
        if answer.is_server_error:
            raise lost(SYSTEM, f"its answer was lost ({answer.status_code})")
        return answer


def _read(answer: httpx.Response) -> Any:
    if answer.status_code == httpx.codes.BAD_REQUEST:
        raise RefusedError(SYSTEM, answer.json()["error"])
    if not answer.is_success:
        raise UnreadableError(SYSTEM, f"{answer.request.url.path} answered {answer.status_code}")
    return answer.json()
