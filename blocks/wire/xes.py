"""XES (IEEE 1849-2016): the ledger for process mining with one notion of a case: a trace is a chain."""

from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

from blocks.wire.exported import Event, Part

EXTENSIONS = (
    ("Concept", "concept", "http://www.xes-standard.org/concept.xesext"),
    ("Time", "time", "http://www.xes-standard.org/time.xesext"),
    ("Organizational", "org", "http://www.xes-standard.org/org.xesext"),
    ("Lifecycle", "lifecycle", "http://www.xes-standard.org/lifecycle.xesext"),
)
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<log xes.version="1849-2016" xes.features="" xmlns="http://www.xes-standard.org/">\n'
    + "".join(f'<extension name="{name}" prefix="{prefix}" uri="{uri}"/>\n' for name, prefix, uri in EXTENSIONS)
    + '<global scope="trace"><string key="concept:name" value=""/></global>\n'
    '<global scope="event"><string key="concept:name" value=""/><date key="time:timestamp" '
    'value="1970-01-01T00:00:00.000Z"/><string key="lifecycle:transition" value="complete"/></global>\n'
    '<classifier name="Act" keys="concept:name"/>\n'
)


class XesWriter:
    """A trace a chain. Words that people typed stay in the ledger."""

    def begin(self) -> Iterator[Part]:
        """Open the log."""
        yield Part(HEAD)

    def chain(self, name: str, events: list[Event]) -> Iterator[Part]:
        """Print one trace."""
        yield Part(f"<trace>{_string('concept:name', name)}\n{''.join(map(_event, events))}</trace>\n")

    def end(self) -> Iterator[Part]:
        """Close the log."""
        yield Part("</log>\n")


def _event(event: Event) -> str:
    step = event.line.body.get("step")
    told = [
        _string("concept:name", event.line.act),
        f'<date key="time:timestamp" value="{event.at}"/>',
        _string("lifecycle:transition", "complete"),
        _string("org:resource", event.actor[1]),
        _string("org:role", event.role) if event.role else "",
        _string("almoner:system", event.system),
        _string("almoner:key", event.line.key) if event.line.key else "",
        _string("almoner:step", str(step)) if step else "",
        _string("almoner:effect", event.effect) if event.effect else "",
        _string("almoner:ended", event.ended) if event.ended else "",
        _string("almoner:id", event.id),
        _string("almoner:entry", event.digest),
    ]
    return f"<event>{''.join(told)}</event>\n"


def _string(key: str, value: str) -> str:
    return f'<string key="{key}" value={quoteattr(value)}/>'
