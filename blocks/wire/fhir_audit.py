"""FHIR R4 AuditEvent: the ledger for health-care auditors, along IHE's Basic Audit Log Patterns (BALP).

https://profiles.ihe.net/ITI/BALP/: each line of the ledger is the creation of a record in object storage, so what
counted conforms to `IHE.BasicAudit.Create`; what was tried and did not count is told as a minor failure, without one.
No event has a patient, because nothing in the ledger does.
"""

import uuid
from collections.abc import Iterator
from typing import Any

from blocks.wire.exported import FAILED, Event, Joined, Part, to_json

PROFILE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.Create"
LEDGER, ACTS, PEOPLE = "urn:almoner:ledger", "urn:almoner:act", "urn:almoner:directory"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, LEDGER)
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
HL7 = "http://terminology.hl7.org/CodeSystem"
TYPE = {"system": f"{HL7}/audit-event-type", "code": "rest", "display": "RESTful Operation"}
CREATE = {"system": "http://hl7.org/fhir/restful-interaction", "code": "create", "display": "create"}
SUCCESS, MINOR_FAILURE = "0", "4"
MACHINE_NAME = "1"


class FhirWriter:
    """A Bundle of AuditEvents. Words that people typed stay in the ledger."""

    def __init__(self) -> None:
        self._entries = Joined()

    def begin(self) -> Iterator[Part]:
        """Open the bundle."""
        yield Part('{"resourceType":"Bundle","type":"collection","entry":[')

    def chain(self, name: str, events: list[Event]) -> Iterator[Part]:
        """Print one chain's events."""
        del name
        yield from (Part(text) for text in self._entries(to_json(_entry(event)) for event in events))

    def end(self) -> Iterator[Part]:
        """Close the bundle."""
        yield Part("\n]}\n")


def _entry(event: Event) -> dict[str, Any]:
    name = str(uuid.uuid5(NAMESPACE, event.id))
    return {"fullUrl": f"urn:uuid:{name}", "resource": audit_event(event, name)}


def audit_event(event: Event, name: str) -> dict[str, Any]:
    """Print one event: who, through which system, what, when, where the ledger holds it."""
    failed = event.line.act in FAILED
    told: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": name,
        "type": TYPE,
        "subtype": [CREATE, {"system": ACTS, "code": event.line.act}],
        "action": "C",
        "recorded": event.at,
        "outcome": MINOR_FAILURE if failed else SUCCESS,
        "agent": [
            _machine("110153", "Source Role ID", event.system),
            _machine("110152", "Destination Role ID", "ledger"),
        ],
        "source": {"observer": {"identifier": {"system": LEDGER, "value": event.system}}},
        "entity": [_record(event), _transaction(event)],
    }
    if event.actor[0] == "person":
        told["agent"].append(_person(event))
    if not failed:
        told["meta"] = {"profile": [PROFILE]}
    return told


def _machine(code: str, display: str, name: str) -> dict[str, Any]:
    return {
        "type": {"coding": [{"system": DICOM, "code": code, "display": display}]},
        "who": {"identifier": {"system": LEDGER, "value": name}},
        "requestor": False,
        "network": {"address": name, "type": MACHINE_NAME},
    }


def _person(event: Event) -> dict[str, Any]:
    author = {"system": f"{HL7}/v3-ParticipationType", "code": "AUT", "display": "author (originator)"}
    told: dict[str, Any] = {
        "type": {"coding": [author]},
        "who": {"identifier": {"system": PEOPLE, "value": event.actor[1]}},
        "requestor": True,
    }
    if event.role:
        told["role"] = [{"text": event.role}]
    return told


def _record(event: Event) -> dict[str, Any]:
    line = event.line
    details = (
        *(("sha-256", event.digest), ("key", line.key), ("seen", line.seen), ("policy", line.policy)),
        *(("effect", event.effect), ("ended", event.ended)),
    )
    return {
        "what": {"identifier": {"system": LEDGER, "value": event.id}},
        "type": {"system": f"{HL7}/audit-entity-type", "code": "2", "display": "System Object"},
        "role": {"system": f"{HL7}/object-role", "code": "4", "display": "Domain Resource"},
        "detail": [{"type": name, "valueString": value} for name, value in details if value],
    }


def _transaction(event: Event) -> dict[str, Any]:
    """Name the case, so that all that belongs together is found together."""
    kind = {"system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "code": "XrequestId"}
    return {"what": {"identifier": {"system": LEDGER, "value": event.chain}}, "type": kind}
