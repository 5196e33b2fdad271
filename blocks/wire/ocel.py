"""OCEL 2.0 in JSON: the ledger for process mining, where an event may be about many things at once.

https://www.ocel-standard.org/: object types case, book, ask, person, purchase order, stock issue, journal entry, item,
supplier, cost centre and policy. Words that people typed stay in the ledger.
"""

from collections.abc import Iterator
from typing import Any

from blocks.wire.exported import Event, Joined, Part, to_json

EVENT_ATTRIBUTES = ("actor", "effect", "ended", "entry", "key", "role", "step", "system")
ATTRIBUTES: dict[str, tuple[tuple[str, str], ...]] = {
    "ask": (("amount", "float"), ("currency", "string"), ("role", "string"), ("why", "string")),
    "book": (),
    "case": (("ended", "string"), ("process", "string")),
    "cost centre": (),
    "item": (),
    "journal entry": (("amount", "float"), ("currency", "string"), ("state", "string")),
    "person": (),
    "policy": (),
    "purchase order": (("amount", "float"), ("currency", "string"), ("state", "string")),
    "stock issue": (("amount", "float"), ("currency", "string"), ("state", "string")),
    "supplier": (),
}
Relation = tuple[str, str]


class OcelWriter:
    """Events as they come; objects, which the format wants in a list of their own, late."""

    def __init__(self) -> None:
        self._events, self._objects = Joined(), Joined()
        self._acts: set[str] = set()
        self._shared: set[str] = set()

    def begin(self) -> Iterator[Part]:
        """Open the document, and the list of objects that follows the events."""
        yield Part('{"events":[')
        yield Part('\n],\n"objects":[', late=True)

    def chain(self, name: str, events: list[Event]) -> Iterator[Part]:
        """Print a case, or a book, with what it is about."""
        about = _About(name)
        for event in events:
            related = about.hear(event)
            self._acts.add(event.line.act)
            yield from (Part(text) for text in self._events([to_json(_event(event, related))]))
        for text in self._objects(self._new(about)):
            yield Part(text, late=True)

    def end(self) -> Iterator[Part]:
        """Close it with the types that occurred."""
        columns = [{"name": name, "type": "string"} for name in EVENT_ATTRIBUTES]
        types = [{"name": act, "attributes": columns} for act in sorted(self._acts)]
        objects = [
            {"name": kind, "attributes": [{"name": name, "type": of} for name, of in attributes]}
            for kind, attributes in ATTRIBUTES.items()
        ]
        yield Part(f'\n],\n"eventTypes":{to_json(types)},\n"objectTypes":{to_json(objects)}}}\n', late=True)

    def _new(self, about: "_About") -> Iterator[str]:
        """Print what a chain is about, each thing that many share only the first time."""
        for one in about.objects.values():
            if one["type"] in {"ask", "case", "book"}:
                yield to_json(one)
            elif one["id"] not in self._shared:
                self._shared.add(one["id"])
                yield to_json(one)


class _About:
    """What one chain is about, gathered as its events come."""

    def __init__(self, chain: str) -> None:
        self.chain = chain
        self.objects: dict[str, dict[str, Any]] = {}
        self._add("book" if "~" in chain else "case", chain)

    def hear(self, event: Event) -> list[Relation]:
        """Take in an event; return what it is about, and in which way."""
        line, body = event.line, event.line.body
        related: list[Relation] = [(self.chain, "of")]
        if event.actor[0] == "person":
            related.append((self._add("person", event.actor[1], "person:"), "by"))
        if line.policy:
            related.append((self._add("policy", line.policy, "policy:"), "judged by"))
        if f"ask:{self.chain}/{line.key}" in self.objects:
            related.append((f"ask:{self.chain}/{line.key}", "about"))
        for field, heard in (("request", self._request), ("ask", self._ask), ("document", self._document)):
            if isinstance(body.get(field), dict):
                related += heard(event, body[field])
        if line.act == "ended":
            self._note(self.chain, "ended", event.ended, event.at)
        if line.act == "received":
            self._note(self.chain, "process", str(body.get("process", "")), event.at)
        return sorted(set(related))

    def _request(self, _event: Event, request: dict[str, Any]) -> list[Relation]:
        named = (("item", "item", "wants"), ("cost_centre", "cost centre", "for"), ("requester", "person", "asked by"))
        return [
            (self._add(kind, str(request[field]), f"{kind}:"), how) for field, kind, how in named if request.get(field)
        ]

    def _ask(self, event: Event, ask: dict[str, Any]) -> list[Relation]:
        name = self._add("ask", f"{self.chain}/{event.line.key}", "ask:")
        for field in ("role", "why"):
            self._note(name, field, ask.get(field, ""), event.at)
        self._amount(name, ask.get("amount"), event.at)
        self._relate(name, self.chain, "asked for")
        related = [(name, "asks")]
        if ask.get("supplier"):
            related.append((self._add("supplier", str(ask["supplier"]), "supplier:"), "from"))
        return related

    def _document(self, event: Event, document: dict[str, Any]) -> list[Relation]:
        kind = str(document.get("kind", ""))
        if kind not in ATTRIBUTES:
            return []
        name = self._add(kind, str(document.get("number", "")), f"{kind}:")
        self._note(name, "state", str(document.get("state", "")), event.at)
        self._amount(name, document.get("amount"), event.at)
        self._relate(name, self.chain, "outcome of")
        return [(name, "took back" if event.effect == "cancel" else "made")]

    def _add(self, kind: str, name: str, prefix: str = "") -> str:
        self.objects.setdefault(
            prefix + name, {"attributes": [], "id": prefix + name, "relationships": [], "type": kind}
        )
        return prefix + name

    def _note(self, of: str, name: str, value: Any, at: str) -> None:
        """Take up what an attribute is from a moment on; what it was before stays, and what stays is said once."""
        attributes = self.objects[of]["attributes"]
        if value != next((x["value"] for x in reversed(attributes) if x["name"] == name), None):
            attributes.append({"name": name, "time": at, "value": value})

    def _amount(self, of: str, money: dict[str, Any] | None, at: str) -> None:
        if money:
            self._note(of, "amount", float(money["amount"]), at)
            self._note(of, "currency", money["currency"], at)

    def _relate(self, one: str, other: str, how: str) -> None:
        relation = {"objectId": other, "qualifier": how}
        if relation not in self.objects[one]["relationships"]:
            self.objects[one]["relationships"].append(relation)


def _event(event: Event, related: list[Relation]) -> dict[str, Any]:
    body = event.line.body
    told = {
        "actor": event.line.actor,
        "effect": event.effect,
        "ended": event.ended,
        "entry": event.digest,
        "key": event.line.key,
        "role": event.role,
        "step": body.get("step"),
        "system": event.system,
    }
    return {
        "attributes": [{"name": name, "value": str(value)} for name, value in told.items() if value],
        "id": event.id,
        "relationships": [{"objectId": name, "qualifier": how} for name, how in related],
        "time": event.at,
        "type": event.line.act,
    }
