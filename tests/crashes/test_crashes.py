"""A process dies at any boundary, and again while another takes its case up: the ERP's own books stay true."""

import ast
import sys
from pathlib import Path
from time import monotonic

import pytest

from tasks import durable, effects
from tasks.case import Claim
from tests.crashes.plan import POSTED, pairs, posting_path, singles, tried
from tests.crashes.points import CHANGES, EFFECTS, PORTS, READS, Death
from tests.crashes.town import LONGER, STORIES, UNWANTED, WRONG
from tests.fakes.erp_server import NOBODY_TELLS, PERSONALITIES

TASKS = Path(effects.__file__).parent
NOTHING, LAGS = "nothing at all", "a look-up that lags"
SINGLES, PAIRS = 11, 17
every_or_some = pytest.mark.parametrize(
    "thorough", [pytest.param(True, marks=pytest.mark.long, id="all"), pytest.param(False, id="some")]
)
"""A sample comes with each run of the tests; the whole enumeration takes minutes, and has a marker of its own."""


@pytest.fixture(autouse=True)
def _no_patience_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "BACKOFF_S", 0)


@every_or_some
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
@pytest.mark.parametrize("personality", PERSONALITIES)
async def test_whoever_dies_anywhere_the_case_ends_as_it_would_have(story, personality, thorough, capsys):
    tries = [one async for one in singles(story, personality, every=1 if thorough else SINGLES)]
    assert not [fault for one in tries for fault in one.faults]
    with capsys.disabled():
        sys.stdout.write(f"\n{len(tries) - 1} deaths: {story.name}, {personality} ")
    changes = {what.partition(" ")[0] for what in tries[0].lived.processes[0].changes}
    assert {"store.create", "desk.tell"} <= changes
    assert changes & {*EFFECTS.values()}


@every_or_some
async def test_whoever_dies_while_two_are_asked_the_case_ends_as_it_would_have(thorough):
    tries = [one async for one in singles(LONGER, LAGS, every=1 if thorough else SINGLES)]
    assert len(tries) > (60 if thorough else 60 / SINGLES)
    assert not [fault for one in tries for fault in one.faults]


@pytest.mark.parametrize(
    ("personality", "thorough"),
    [(NOTHING, False), *(pytest.param(x, True, marks=pytest.mark.long) for x in PERSONALITIES)],
)
@pytest.mark.parametrize(
    ("story", "change"), [(UNWANTED, "erp.cancel"), (WRONG, "erp.reverse")], ids=["order", "entry"]
)
async def test_whoever_dies_while_something_is_taken_back_it_is_taken_back_once(story, change, personality, thorough):
    tries = [one async for one in singles(story, personality, every=1 if thorough else SINGLES)]
    assert change in tries[0].lived.processes[0].changes
    assert not [fault for one in tries for fault in one.faults]


@every_or_some
@pytest.mark.parametrize("personality", PERSONALITIES)
async def test_whoever_dies_on_the_posting_path_and_whoever_takes_it_up_dies_too(personality, thorough, capsys):
    tries = [one async for one in pairs(personality, every=1 if thorough else PAIRS)]
    assert not [fault for one in tries for fault in one.faults]
    with capsys.disabled():
        sys.stdout.write(f"\n{len(tries)} pairs of deaths: {personality} ")
    assert len(tries) > (100 if thorough else 100 / PAIRS)
    # Where nobody can tell, a person is asked instead of a second order; elsewhere nobody has to look.
    assert any(one.lived.parked for one in tries) == (personality in NOBODY_TELLS)


async def test_the_posting_path_is_from_the_funds_to_the_outcome():
    straight = await tried(POSTED, NOTHING)
    changes = straight.lived.processes[0].changes
    path = [changes[n - 1].split("/")[0:2] for n in posting_path(changes)]
    assert path[0][1] == "book~funds~OR~2026"
    assert ["erp.order"] in path
    assert path[-1][0] == "store.create cases"


@pytest.mark.parametrize("personality", [NOTHING, LAGS])
async def test_without_the_resolver_a_second_order_is_made_and_found(personality, monkeypatch):
    monkeypatch.setattr(effects, "what_next", lambda *_, **__: "retry")
    straight = await tried(POSTED, personality)
    place = straight.lived.processes[0].changes.index("erp.order") + 1
    again = await tried(POSTED, personality, (Death(place, "unacknowledged"),))
    assert "I1" in {x.invariant for x in again.lived.found}


async def test_without_the_intent_an_order_is_found_that_nobody_intended(monkeypatch):
    def only_held(case, _act, key, _body):
        case.claims[key] = Claim(1, case.clock(), monotonic())

    monkeypatch.setattr(effects, "claim", only_held)
    monkeypatch.setattr(effects, "is_held", lambda *_: True)
    straight = await tried(POSTED, NOTHING)
    assert "I10" in {x.invariant for x in straight.lived.found}


@pytest.mark.parametrize("port", PORTS)
def test_every_method_of_a_port_is_a_crash_point_or_a_read(port):
    methods = {name for name in vars(PORTS[port]) if not name.startswith("_")}
    assert methods <= CHANGES[port] | READS[port], "tests/crashes/points.py says which it is"
    assert CHANGES[port] <= methods


def effects_of(source: str) -> tuple[dict[str, str], list[str]]:
    """Find each effect that goes through `once`, by name, and each change to the ERP that goes past it."""
    called, done, reached = {}, set[ast.AST](), list[ast.Attribute]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "once":
            do = next(one.value for one in node.keywords if one.arg == "do")
            called[ast.literal_eval(node.args[0])] = ast.unparse(do)
            done.add(do)
        elif isinstance(node, ast.Attribute) and node.attr in CHANGES["erp"]:
            reached.append(node)
    # What runs can be cancelled as well: that is no change to anybody's ERP.
    past = [one for one in reached if one not in done and (one.attr != "cancel" or "erp" in ast.unparse(one.value))]
    return called, [ast.unparse(one) for one in past]


def test_every_effect_is_a_crash_point_and_none_goes_past_the_protocol():
    called: dict[str, str] = {}
    for path in (*TASKS.rglob("*.py"), *(TASKS.parent / "flows").rglob("*.py")):
        effects_there, past = effects_of(path.read_text())
        assert past == [], f"{path.name}: a change to the ERP goes through `once` of tasks/effects.py"
        called |= effects_there
    assert called == dict(EFFECTS), "tests/crashes/points.py names every effect, and a story dies in it"
    assert {name.partition(".")[2] for name in EFFECTS.values()} == CHANGES["erp"]


@pytest.mark.parametrize(
    "source",
    [
        "once('refund', draft, do=erp.refund)",
        "effects.once('refund', draft, do=connect.erp().order)",
        "await erp.order(draft, key='x')",
        "await connect.erp().cancel(draft, key='x')",
        "erp = connect.erp()\nmake = erp.issue\nonce('issue', draft, do=make)",
        "books = connect.erp()\nawait books.issue(draft, key='x')",
    ],
)
def test_a_new_effect_without_a_crash_point_is_noticed(source):
    called, past = effects_of(source)
    assert past or not called.items() <= EFFECTS.items()
    assert effects_of("once('order', draft, do=erp.order)\nreading.cancel()") == ({"order": "erp.order"}, [])
