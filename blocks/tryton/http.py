"""Tryton's REST door: one client, its typed JSON, and its answers as our errors.

What an answer means:

* 400  a business answer in Tryton's JSON: `RefusedError`, in its words; or no right to a record, a kind of them or a
  button, as below. Whatever else says 400 stands in front of Tryton: `UnreadableError`
* 401, 403  it does not know our key, or our user may not: `UnreadableError` (nobody judged the request). A button
  answers 403 as well, without a word, where the books that it would change are closed
* 404  no such record (or none we may see): `GoneError`. Where no one record was asked for, nobody found the way to
  Tryton, which says nothing about any document: `UnreadableError` of a search, `UnknownError` of what was to be made
* 500  rolled back; a broken unique index is `TakenError`. Otherwise a change is `UnknownError`
  (look it up), a read `UnreadableError` (a person must look)
* 503  a lock was lost and all was rolled back: repeated here, after a pause
* no answer  `UnavailableError`; after a change was sent, `UnknownError`
"""

import asyncio
import random
import re
from collections.abc import Mapping, Sequence
from html import unescape
from http import HTTPStatus
from typing import Any, Final

import httpx

from blocks.errors import OutsideError, RefusedError, UnavailableError, UnknownError, UnreadableError
from blocks.tryton.json import dumps, header, loads

SYSTEM: Final = "Tryton"
BUSY_TRIES: Final = 6
BUSY_PAUSE_S: Final = 0.1
CONNECTIONS: Final = 4
"""A small Tryton answers one request at a time: the rest wait here, where waiting is no time-out."""
QUEUE_S: Final = 8.0
"""How long a change may wait for one of them: less than others wait beyond the claim under which it is made."""

NO_RIGHT: Final = ("You are not allowed to ", "Calling button ")
"""How Tryton begins to say, as a business answer, that our user may not: by its groups, a button's, or a rule."""

Values = Mapping[str, object]
Domain = Sequence[object]
Found = dict[str, Any]
Query = list[tuple[str, str | int | float | bool | None]]

_TAG = re.compile(r"<title>.*?</title>|<h1>.*?</h1>|<[^>]*>", re.DOTALL)
_RECORD = re.compile(r' in record "[^"]*"')


class GoneError(RefusedError):
    """The record is not there, or we may not see it."""


class TakenError(RefusedError):
    """Another record already carries that key."""


class TrytonRest:
    """One database of a Tryton server, under one user's key. Knows no business."""

    def __init__(
        self,
        url: str,
        database: str,
        key: str,
        *,
        timeout_s: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=f"{url.rstrip('/')}/{database}/rest/model/",
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
            timeout=httpx.Timeout(timeout_s, pool=None),
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            transport=transport,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def search(self, model: str, domain: Domain, fields: Sequence[str], context: Values) -> list[Found]:
        """Read the fields of all records that fit."""
        params = [("d", header(domain)), *_fields(fields)]
        found: list[Found] = await self._ask("GET", model, params, None, context)
        return found

    async def read(self, model: str, record: int, fields: Sequence[str], context: Values) -> Found:
        """Read the fields of one record."""
        found: Found = await self._ask("GET", f"{model}/{record}", _fields(fields), None, context)
        return found

    async def create(self, model: str, values: Values, fields: Sequence[str], context: Values) -> Found:
        """Create a record and read its fields back."""
        made: Found = await self._ask("POST", model, _fields(fields), values, context)
        return made

    async def write(self, model: str, record: int, values: Values, fields: Sequence[str], context: Values) -> Found:
        """Change a record and read its fields back."""
        left: Found = await self._ask("PUT", f"{model}/{record}", _fields(fields), values, context)
        return left

    async def act(self, model: str, record: int, button: str, fields: Sequence[str], context: Values) -> Found:
        """Press a button of a record and read its fields back."""
        path = f"{model}/{record}/{button}"
        left: Found = await self._ask("POST", path, _fields(fields), {}, context)
        return left

    async def delete(self, model: str, record: int, context: Values) -> None:
        """Delete a record."""
        await self._ask("DELETE", f"{model}/{record}", [], None, context)

    async def _ask(self, verb: str, path: str, params: Query, body: Values | None, context: Values) -> Any:
        content = None if body is None else dumps(body)
        request = self._client.build_request(
            verb, path, params=params, content=content, headers={"X-Tryton-Context": header(context)}
        )
        if _changes(request):
            request.extensions["timeout"] |= {"pool": QUEUE_S}
        for attempt in range(BUSY_TRIES):
            answer = await self._send(request)
            if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                return _read(answer)
            await asyncio.sleep(BUSY_PAUSE_S * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 -- spreads retries
        raise UnavailableError(SYSTEM, "it is too busy to answer; it will be asked again")

    async def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._client.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise UnavailableError(SYSTEM, f"it cannot be reached ({type(error).__name__})") from error
        except httpx.RequestError as error:
            if _changes(request):
                why = f"its answer was lost ({type(error).__name__}): it may or may not have acted"
                raise UnknownError(SYSTEM, why) from error
            raise UnavailableError(SYSTEM, f"it did not answer ({type(error).__name__})") from error


def _fields(names: Sequence[str]) -> Query:
    return [("f", name) for name in names]


def _changes(request: httpx.Request) -> bool:
    return request.method != "GET"


def _read(answer: httpx.Response) -> Any:
    """Read what was answered, or raise what it means."""
    status = answer.status_code
    if answer.is_success:
        return _value(answer)
    said = _business_message(answer) if status == HTTPStatus.BAD_REQUEST else ""
    if status == HTTPStatus.FORBIDDEN or said.startswith(NO_RIGHT):
        raise UnreadableError(SYSTEM, _no_right(answer.request, said))
    if said:
        raise RefusedError(SYSTEM, said)
    if status == HTTPStatus.UNAUTHORIZED:
        raise UnreadableError(SYSTEM, "it does not accept our key: check ALMONER_ERP_KEY and the database's name")
    if status == HTTPStatus.NOT_FOUND:
        raise _nothing_there(answer.request)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise UnavailableError(SYSTEM, "it asks us to come back later")
    raise _failure(answer)


def _no_right(request: httpx.Request, said: str) -> str:
    """Say what to check: where Tryton answers 403 to a change it does not tell a right from closed books."""
    why = f"our user has no right to {_purpose(request)}: have an administrator check its groups"
    if said:
        return f"{why}, their buttons and rules ({said})"
    return f"{why}, and whether period and journal are open" if _changes(request) else why


def _nothing_there(request: httpx.Request) -> OutsideError:
    purpose = _purpose(request)
    if "/" in purpose:
        return GoneError(SYSTEM, f"there is nothing at {purpose}")
    why = f"nobody answers to {purpose}: check ALMONER_ERP_URL, ALMONER_ERP_DATABASE, and what stands between"
    return UnknownError(SYSTEM, why) if _changes(request) else UnreadableError(SYSTEM, why)


def _failure(answer: httpx.Response) -> Exception:
    """Name what a broken answer means."""
    said = f"it failed with {answer.status_code}: {_plain(answer.text)}"
    if "UNIQUE constraint failed" in said or "duplicate key value" in said:
        return TakenError(SYSTEM, said)
    if answer.is_server_error and _changes(answer.request):
        return UnknownError(SYSTEM, said)
    if answer.status_code in (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT):
        return UnavailableError(SYSTEM, said)
    return UnreadableError(SYSTEM, said)


def _value(answer: httpx.Response) -> Any:
    if not answer.content:
        return None
    try:
        return loads(answer.content)
    except ValueError as error:
        if _changes(answer.request):
            raise UnknownError(SYSTEM, "its answer was cut short: it may have acted") from error
        raise UnreadableError(SYSTEM, f"this is not JSON: {_plain(answer.text)}") from error


def _business_message(answer: httpx.Response) -> str:
    """Say what Tryton says to people, without the name of its record; nothing where it is not Tryton who speaks."""
    try:
        said = loads(answer.content)
        text = f"{said['message']} {said.get('description') or ''}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return _RECORD.sub("", text).strip()


def _plain(page: str) -> str:
    """Strip the HTML from a page, and cut it short."""
    return " ".join(unescape(_TAG.sub(" ", page)).split())[:300]


def _purpose(request: httpx.Request) -> str:
    return f"{request.method} {request.url.path.partition('/rest/model/')[2]}"
