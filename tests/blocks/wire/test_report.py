"""The report of a case: as agreed, and nothing that people write breaks out of its tables."""

from typing import Any

import pytest

from blocks.ledger import Chain
from blocks.records.approval import Added
from blocks.records.ledger import Entry, Line
from blocks.records.outcome import Outcome
from blocks.wire.report import case_report, headline, reasons, tell
from tests.samples import NOON, ask, decision, facts, usd
from tests.shown import as_agreed

CASE = "RQ-7F3K2Q9MAA"
DOCUMENT = {"kind": "purchase order", "number": "7", "state": "processing", "key": "k", "amount": None, "url": ""}


def line(act: str, actor: str = "process:requisition", key: str = "", **body: Any) -> Line:
    return Line(act=act, key=key, actor=actor, at=NOON, body=body)


def step(name: str, result: Any = None) -> Line:
    return line("step", key=f"{name}~1", step=name, result=result)


def ended(how: str, because: str) -> Line:
    return line("ended", outcome=Outcome(ended=how, because=because).model_dump(mode="json"))


def settled(verdict: str, **more: Any) -> Line:
    return line("settled", "person:paula.reyes", "k", effect="order", verdict=verdict, **more)


PARKED = line("parked", key="k", effect="order")
RECEIVED = line(
    "received", "door:inventory", message={"source": "inventory", "id": "4|2"},
    request={"requester": "rita.okafor", "item": "HIP-STEM-12", "reason": "a | b\n<script>", "needed_by": None},
)  # fmt: skip
ASKED = line("asked", key="1-department-manager", ask=ask(why="with <b> | bars").model_dump(mode="json"))
DECIDED = line("decided", "person:ana.silva", "1-department-manager",
               decision=decision(note="fine | by me").model_dump(mode="json"))  # fmt: skip
LINES = [
    RECEIVED,
    step("pin_rules", {"policy": "a", "directory": "b"}),
    step("look_up", facts().model_dump(mode="json")),
    step("look_up", facts(unit_price=None, contract=None).model_dump(mode="json")),
    step("note_spend", usd(600).model_dump(mode="json")),
    step("note_spend"),
    ASKED,
    line("posted", channel="C1", ts="1"),
    line("question", "person:ana.silva", text="why | now?"),
    line("answer", "person:rita.okafor", text="Monday"),
    line("refused-click", "person:gus.varga", verdict="approve", because="You have left."),
    DECIDED,
    line("late", "person:frida.ng", verdict="reject", because="Already approved."),
    step("hold_funds", {}),
    line("intent", key="k", effect="order", draft={}),
    line("unknown", key="k", effect="order", detail="time-out"),
    PARKED,
    line("outcome", key="k", effect="order", how="adopted", document=DOCUMENT),
    line("outcome", key="k", effect="order", refused="no address", system="erp"),
    line("something-new"),
    ended("ordered", "order 7 with Cordis Devices for $12,500.50"),
]


def chain(*lines: Line) -> Chain:
    return Chain(
        CASE, tuple(Entry(case=CASE, seq=n, prev="", lines=(one,)) for n, one in enumerate(lines, 1)), "d" * 64
    )


def test_it_reads_as_agreed():
    as_agreed("report.md", case_report(chain(*LINES)))


def test_every_row_of_a_table_stays_one_row():
    rows = [row for row in case_report(chain(*LINES)).splitlines() if row.startswith("|")]
    assert {len(row.replace("\\|", "").split("|")) - 2 for row in rows} == {2, 3}
    assert "<script>" not in "\n".join(rows)


def test_reads_that_only_fetched_say_nothing():
    assert [tell(one) for one in (LINES[1], LINES[5])] == ["", ""]
    assert len(reasons(chain(*LINES))) == len(LINES) - 2


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([RECEIVED], "**Under way**"),
        ([RECEIVED, ASKED], "**Waits** for"),
        ([RECEIVED, ASKED, DECIDED], "**Under way**"),
        ([RECEIVED, ASKED, line("withdrawn", name="Rita Okafor")], "**Under way**"),
        ([RECEIVED, PARKED], "**In doubt**: did the order happen? A person must look"),
        ([RECEIVED, PARKED, settled("not-made")], "**Under way**"),
        ([RECEIVED, ended("refused", "too | dear")], "**Refused**: too \\| dear"),
    ],
)
def test_the_headline_says_how_it_stands(lines, says):
    assert headline(chain(*lines)).startswith(says)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (settled("made", document=DOCUMENT), "says that the order was made: 7"),
        (settled("not-made"), "says that the order was not made"),
        (settled("given-up", because="too | late"), "gives up the order: too \\| late"),
        (line("attempt", key="k", effect="order"), "tries the order again under key `k`"),
    ],
)
def test_what_a_person_says_of_a_doubt_is_told(said, says):
    assert tell(said) == says


ADDED = Added(person="leo.brandt", name="Leo | Brandt", by="Ana Silva", role="department-manager")
DONE = [
    (line("handed", to="leo.brandt", name="Leo | Brandt", by="Ana Silva"), "hands it over to Leo \\| Brandt"),
    (line("added", added={}, name="Leo | Brandt", by="Ana Silva"), "adds Leo \\| Brandt, who has to approve it too"),
    (line("held-ask", name="Ana Silva", because="the | quote"), "puts it on hold: the \\| quote"),
    (line("resumed", name="Ana Silva"), "resumes it"),
    (line("withdrawn", by="rita.okafor", name="Rita Okafor"), "withdraws it"),
    (line("reversal-asked", key="J-1", books="$5 for order 7", because="twice | billed"),
     "wants journal entry J-1 reversed ($5 for order 7): twice \\| billed"),
    (line("reversing", key="J-1", because="twice"), "agrees that journal entry J-1 be reversed"),
    (line("told-waiting", channel="D1", ts="1"), ""),
    (line("asked", ask=ask(added=ADDED).model_dump(mode="json")),
     "asked Leo \\| Brandt, whom Ana Silva added, to approve $12,500.50"),
    (line("decided", decision=decision(quantity=1, note="enough").model_dump(mode="json")),
     "**approved** 1 of them by Ana Silva as department-manager: enough"),
    (line("decided", decision=decision(added=True).model_dump(mode="json")), "**approved** by Ana Silva as added"),
]  # fmt: skip


@pytest.mark.parametrize(("done", "says"), DONE)
def test_what_else_is_done_with_a_request_is_told(done, says):
    assert tell(done) == says


def test_a_card_that_was_drawn_says_nothing_and_one_that_was_not_says_why():
    assert tell(line("drawn", key="1-x")) == ""
    assert tell(line("drawn", key="1-x", refused="message_not_found")) == "the card still asks: message_not_found"


def test_a_book_has_a_report_too():
    assert "1 ledger entries" in case_report(chain(line("held")))


def test_a_log_in_is_told_with_the_device():
    assert tell(line("logged-in", session={"device": "frida@desk"})) == "logs in at frida@desk, with a passkey"
    assert tell(line("logged-out")) == "logs out"
