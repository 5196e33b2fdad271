"""An administrator's line to Tryton: JSON-RPC, which knows wizards where the REST door does not."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import httpx

from blocks.tryton.json import dumps, loads

BATCH = 25
"""Rows created in one call: SQLite's parser gives up at a few hundred."""

Values = Mapping[str, object]
Domain = Sequence[object]


class SeedError(Exception):
    """Tryton would not take what the seed says."""


class Rpc:
    """A logged-in session; `context` goes with every call."""

    def __init__(self, client: httpx.Client, address: str) -> None:
        self._client = client
        self._address = address
        self._headers: dict[str, str] = {"Content-Type": "application/json"}
        self.user = 0
        self.context: dict[str, object] = {}

    @classmethod
    def login(cls, client: httpx.Client, address: str, user: str, password: str) -> Self:
        """Open a session; *address* is `http://host:port/<database>/rpc/`."""
        rpc = cls(client, address)
        answer = rpc.call("common.db.login", user, {"password": password}, "en")
        if answer is None:
            message = f"the ERP does not let {user} in"
            raise SeedError(message)
        rpc.user, token = answer[0], answer[1]
        session = base64.b64encode(f"{user}:{rpc.user}:{token}".encode()).decode()
        rpc._headers["Authorization"] = f"Session {session}"
        rpc.refresh()
        return rpc

    def refresh(self) -> None:
        """Read the user's own context again: company, employee, groups."""
        self.context = self.call("model.res.user.get_preferences", True, {})

    def call(self, method: str, *params: object) -> Any:
        """Call a remote procedure; raise `SeedError` with Tryton's own words."""
        body = dumps({"id": 1, "method": method, "params": list(params)})
        answer = self._client.post(self._address, content=body, headers=self._headers)
        answer.raise_for_status()
        said = loads(answer.content)
        if "error" in said:
            message = f"{method}: {said['error']}"
            raise SeedError(message)
        return said["result"]

    def model(self, model: str, method: str, *params: object) -> Any:
        """Call a method of a model."""
        return self.call(f"model.{model}.{method}", *params, self.context)

    def create(self, model: str, rows: Sequence[Values]) -> list[int]:
        """Create records; return their ids, in order."""
        made: list[int] = []
        for start in range(0, len(rows), BATCH):
            made += self.model(model, "create", rows[start : start + BATCH])
        return made

    def new(self, model: str, **values: object) -> int:
        """Create one record."""
        return self.create(model, [values])[0]

    def find(self, model: str, domain: Domain, *fields: str) -> list[dict[str, Any]]:
        """Search and read."""
        found: list[dict[str, Any]] = self.model(
            model, "search_read", domain, 0, None, [["id", "ASC"]], ["id", *fields]
        )
        return found

    def the(self, model: str, *domain: object) -> int:
        """Find the first record that fits, which must be there."""
        found = self.find(model, domain)
        if not found:
            message = f"Tryton has no {model} where {domain}"
            raise SeedError(message)
        first: int = found[0]["id"]
        return first

    def xml(self, name: str) -> int:
        """Find a record that a module brings along, by `module.name`."""
        module, _, record = name.partition(".")
        found: int = self.model("ir.model.data", "get_id", module, record)
        return found

    @contextmanager
    def wizard(self, name: str) -> Iterator["Wizard"]:
        """Open a wizard and close it again."""
        session = self.call(f"wizard.{name}.create", self.context)[0]
        try:
            yield Wizard(self, name, session)
        finally:
            self.call(f"wizard.{name}.delete", session, self.context)


class Wizard:
    """A form in steps."""

    def __init__(self, rpc: Rpc, name: str, session: int) -> None:
        self._rpc = rpc
        self._name = name
        self._session = session

    def step(self, state: str, **forms: Values) -> None:
        """Fill in forms and go to a state."""
        self._rpc.call(f"wizard.{self._name}.execute", self._session, forms, state, self._rpc.context)
