"""Exports: one event a line of the ledger, the same bytes every time, read by programs that nobody here wrote."""

import asyncio
import io
import json
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from blocks.wire.exported import Writer
from blocks.wire.fhir_audit import PROFILE, FhirWriter
from blocks.wire.names import effect_key
from blocks.wire.ocel import OcelWriter
from blocks.wire.xes import XesWriter
from tasks.auditing.exporting import AHEAD, EVER, Counted, Span, chains_of, export
from tests.hospital import Hospital
from tests.needs import mining

WRITERS: list[type[Writer]] = [OcelWriter, FhirWriter, XesWriter]
XES = "{http://www.xes-standard.org/}"


@pytest.fixture
async def morning(hospital: Hospital) -> Hospital:
    """A morning: ordered after two approvals, from the shelf, rejected, refused, waiting, too late, cancelled."""
    cancelled = await hospital.submit("KNEE-TIB-4", 1, reason="the tray of Tuesday")
    await hospital.wake(cancelled)
    await hospital.answer(cancelled, "ivo.petrov")
    await hospital.wake(cancelled)
    await hospital.cancel(cancelled, "rita.okafor", "consigned after all")
    await hospital.wake(cancelled)
    two = await hospital.submit("VENT-T1", 1, by="sam.lind", centre="ICU", reason='Two "ventilated" & <one> more')
    await hospital.wake(two)
    await hospital.answer(two, "ana.silva")
    await hospital.wake(two)
    await hospital.answer(two, "frida.ng")
    await hospital.wake(two)
    rejected = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(rejected)
    await hospital.answer(rejected, "ivo.petrov", "reject", "use the consigned tray")
    await hospital.answer(rejected, "ivo.petrov")
    await hospital.wake(rejected)
    await hospital.wake(await hospital.submit("CENTRI-5", 1, by="mei.tan", centre="LAB"))
    await hospital.wake(await hospital.submit("IVSET-20", 40))
    await hospital.wake(await hospital.submit("KNEE-TIB-4", 2))
    return hospital


async def exported(hospital: Hospital, kind: type[Writer], span: Span = EVER) -> tuple[str, Counted]:
    out = io.StringIO()
    counted = await export(kind(), out, hospital.ledger, span)
    return out.getvalue(), counted


async def lines_of(hospital: Hospital) -> list[tuple[str, str]]:
    """Every line of the ledger: its chain and its act."""
    return [
        (name, line.act) async for name, _ in hospital.ledger.cases() for line in (await hospital.chain(name)).lines
    ]


def events_in(text: str, kind: type[Writer]) -> list[tuple[str, str]]:
    if kind is OcelWriter:
        return [(x["id"].rsplit("/", 2)[0], x["type"]) for x in json.loads(text)["events"]]
    if kind is FhirWriter:
        found = [x["resource"] for x in json.loads(text)["entry"]]
        return [(x["entity"][1]["what"]["identifier"]["value"], x["subtype"][1]["code"]) for x in found]
    traces = ET.fromstring(text).iter(f"{XES}trace")  # noqa: S314  we printed it ourselves
    return [(_said(x, "concept:name"), _said(e, "concept:name")) for x in traces for e in x.iter(f"{XES}event")]


def _said(element: ET.Element, key: str) -> str:
    return next(x.attrib["value"] for x in element if x.attrib.get("key") == key)


@pytest.mark.parametrize("kind", WRITERS)
async def test_each_line_of_the_ledger_is_one_event_in_the_same_order(morning, kind):
    text, counted = await exported(morning, kind)
    lines = await lines_of(morning)
    assert events_in(text, kind) == lines
    assert counted == (len({chain for chain, _ in lines}), len(lines))


@pytest.mark.parametrize("kind", WRITERS)
async def test_the_same_ledger_is_the_same_bytes(morning, kind):
    assert (await exported(morning, kind))[0] == (await exported(morning, kind))[0]


@pytest.mark.parametrize("kind", WRITERS)
async def test_two_spans_that_meet_hold_every_event_once(morning, kind):
    middle = morning.now - timedelta(minutes=2)
    before, _ = await exported(morning, kind, Span(until=middle))
    after, _ = await exported(morning, kind, Span(since=middle))
    both = events_in(before, kind) + events_in(after, kind)
    assert events_in(before, kind)
    assert events_in(after, kind)
    assert Counter(both) == Counter(await lines_of(morning))


@pytest.mark.parametrize("kind", WRITERS)
async def test_an_empty_span_is_an_empty_document_that_still_reads(morning, kind):
    text, counted = await exported(morning, kind, Span(until=morning.now - timedelta(days=9)))
    assert counted == (0, 0)
    assert events_in(text, kind) == []


@pytest.mark.parametrize("kind", WRITERS)
async def test_what_people_typed_stays_in_the_ledger(morning, kind):
    text, _ = await exported(morning, kind)
    assert "ventilated" not in text
    assert "consigned" not in text


async def test_more_chains_than_are_read_ahead_come_in_order_and_each_once(hospital):
    for number in range(AHEAD + 3):
        await hospital.receive(requester="rita.okafor", cost_centre="OR", item="IVSET-20", quantity=number + 1)
    names = [chain.case async for chain in chains_of(hospital.ledger)]
    assert names == [name async for name, _ in hospital.ledger.cases()]


async def test_fhir_validates_as_r4_and_each_event_has_what_balp_asks_of_a_create(morning):
    text, _ = await exported(morning, FhirWriter)
    Bundle.model_validate_json(text)
    events = [x["resource"] for x in json.loads(text)["entry"]]
    assert len({x["id"] for x in events}) == len(events)
    conforming = [x for x in events if PROFILE in x.get("meta", {}).get("profile", ())]
    for event in conforming:
        assert_balp_create(event)
    failed = [x for x in events if x not in conforming]
    assert [(x["subtype"][1]["code"], x["outcome"]) for x in failed] == [("late", "4")]


def assert_balp_create(event: dict[str, Any]) -> None:
    """What the profile IHE.BasicAudit.Create demands beyond R4."""
    assert (event["type"]["code"], event["action"], event["outcome"]) == ("rest", "C", "0")
    assert [x["code"] for x in event["subtype"]].count("create") == 1
    by_type = {agent["type"]["coding"][0]["code"]: agent for agent in event["agent"]}
    assert {"110153", "110152"} <= set(by_type) <= {"110153", "110152", "AUT"}
    assert all(
        by_type[x]["who"]["identifier"]["value"] and by_type[x]["network"]["address"] for x in ("110153", "110152")
    )
    if user := by_type.get("AUT"):
        assert user["requestor"] is True
        assert "network" not in user
    data = [x for x in event["entity"] if x["type"]["code"] == "2"]
    assert [(x["role"]["code"], bool(x["what"])) for x in data] == [("4", True)]


async def test_every_relation_of_ocel_leads_to_an_object_and_every_attribute_to_its_type(morning):
    log = json.loads((await exported(morning, OcelWriter))[0])
    objects = {one["id"]: one for one in log["objects"]}
    assert len(objects) == len(log["objects"])
    for one in [*log["events"], *log["objects"]]:
        assert {x["objectId"] for x in one["relationships"]} <= set(objects)
    types = {one["name"]: {x["name"] for x in one["attributes"]} for one in log["objectTypes"]}
    assert all({x["name"] for x in one["attributes"]} <= types[one["type"]] for one in log["objects"])
    acts = {one["name"]: {x["name"] for x in one["attributes"]} for one in log["eventTypes"]}
    assert all({x["name"] for x in one["attributes"]} <= acts[one["type"]] for one in log["events"])
    orders = [one for one in log["objects"] if one["type"] == "purchase order"]
    assert [one["relationships"][0]["qualifier"] for one in orders] == ["outcome of"] * 3


async def test_a_decision_is_about_its_case_its_ask_and_who_decided(morning):
    log = json.loads((await exported(morning, OcelWriter))[0])
    decided = next(x for x in log["events"] if x["type"] == "decided")
    assert {x["qualifier"] for x in decided["relationships"]} >= {"of", "by", "about"}


async def test_a_case_that_was_cancelled_ended_twice_and_each_end_says_how(morning):
    """OCEL: what an object is changes in time. XES: one act, twice in a trace. FHIR: two records were created."""
    log = json.loads((await exported(morning, OcelWriter))[0])
    case = next(x["id"].split("/")[0] for x in log["events"] if x["type"] == "cancelling")
    ends = [x for x in log["events"] if x["type"] == "ended" and x["id"].startswith(f"{case}/")]
    assert [attribute(x, "ended") for x in ends] == ["ordered", "cancelled"]
    objects = {x["id"]: [(a["name"], a["value"]) for a in x["attributes"]] for x in log["objects"]}
    assert [value for name, value in objects[case] if name == "ended"] == ["ordered", "cancelled"]
    about_it = [
        (x["type"], attribute(x, "effect"), y["qualifier"], y["objectId"])
        for x in log["events"] if x["id"].startswith(f"{case}/")
        for y in x["relationships"] if y["objectId"].startswith("purchase order:")
    ]  # fmt: skip
    order = about_it[0][3]
    assert about_it == [("outcome", "order", "made", order), ("outcome", "cancel", "took back", order)]
    assert [value for name, value in objects[order] if name == "state"] == ["processing", "cancelled"]
    assert [name for name, _ in objects[order]].count("amount") == 1
    traces = ET.fromstring((await exported(morning, XesWriter))[0]).iter(f"{XES}trace")  # noqa: S314  our own
    trace = next(x for x in traces if _said(x, "concept:name") == case)
    ended = [x for x in trace.iter(f"{XES}event") if _said(x, "concept:name") == "ended"]
    assert [_said(x, "almoner:ended") for x in ended] == ["ordered", "cancelled"]
    bundle = json.loads((await exported(morning, FhirWriter))[0])["entry"]
    mine = [x["resource"] for x in bundle if x["resource"]["entity"][1]["what"]["identifier"]["value"] == case]
    details = [[d["valueString"] for d in x["entity"][0]["detail"] if d["type"] == "ended"] for x in mine]
    assert [one for one in details if one] == [["ordered"], ["cancelled"]]


def attribute(event: dict[str, Any], name: str) -> str:
    return next(str(x["value"]) for x in event["attributes"] if x["name"] == name)


READ = """
import json, sys, warnings
warnings.simplefilter("ignore")
import pm4py
ocel, xes = pm4py.read_ocel2_json(sys.argv[1]), pm4py.read_xes(sys.argv[2])
per_case = {str(k): list(v["concept:name"]) for k, v in xes.sort_index().groupby("case:concept:name", sort=True)}
ended = {str(k): list(v["almoner:ended"].dropna()) for k, v in xes.sort_index().groupby("case:concept:name", sort=True)}
changes = {str(k): [v] for k, v in zip(ocel.objects["ocel:oid"], ocel.objects["ended"]) if isinstance(v, str)}
for _, row in ocel.object_changes.iterrows():
    if row["ocel:field"] == "ended":
        changes[row["ocel:oid"]].append(row["ended"])
print("\\n" + json.dumps([len(ocel.events), len(ocel.objects), len(xes), per_case, ended, changes]))
"""


async def test_process_minings_own_reader_counts_and_orders_as_the_ledger_does(morning, tmp_path: Path):
    python = mining()
    for name, kind in (("ocel.json", OcelWriter), ("log.xes", XesWriter)):
        (tmp_path / name).write_text((await exported(morning, kind))[0])
    command = [python, "-c", READ, str(tmp_path / "ocel.json"), str(tmp_path / "log.xes")]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True, timeout=240)
    ocel_events, objects, xes_events, per_case, ended, changes = json.loads(done.stdout.strip().splitlines()[-1])
    lines, log = await lines_of(morning), json.loads((tmp_path / "ocel.json").read_text())
    assert (ocel_events, xes_events) == (len(lines), len(lines))
    assert objects == len(log["objects"])
    for case in {chain for chain, _ in lines}:
        assert per_case[case] == [act for chain, act in lines if chain == case]
    (cancelled,) = {chain for chain, act in lines if act == "cancelling"}
    assert ended[cancelled] == changes[cancelled] == ["ordered", "cancelled"]


async def test_an_entry_that_reverses_another_is_a_document_of_its_own(hospital):
    case = await hospital.submit("IVSET-20", 40)
    await hospital.wake(case)
    entry = f"J-{hospital.erp.bill(effect_key(case, 'order'))}"
    await hospital.reverse(case, entry, "paula.reyes", "consigned, not bought")
    await hospital.reverse(case, entry, "frida.ng", agree=True)
    await hospital.wake(case)
    texts = [(await exported(hospital, kind))[0] for kind in WRITERS]
    assert not [text for text in texts if "consigned" in text]
    log = json.loads((await exported(hospital, OcelWriter))[0])
    (mirror,) = [one for one in log["objects"] if one["type"] == "journal entry"]
    assert mirror["id"] == f"journal entry:{entry}-R"
    assert {one["name"] for one in mirror["attributes"]} == {"amount", "currency", "state"}
    made = [x for x in log["events"] for y in x["relationships"] if y["objectId"] == mirror["id"]]
    assert [(x["type"], attribute(x, "effect")) for x in made] == [("outcome", "reverse")]
    Bundle.model_validate_json((await exported(hospital, FhirWriter))[0])
