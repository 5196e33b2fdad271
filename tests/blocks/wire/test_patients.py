"""What seems to be about a patient is noticed, and what a hospital orders is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.wire.patients import INSTEAD, reason_to_leave_out
from infrastructure.local.erp.hospital import hospital

PATIENTS = [
    ("medical record number", "for MRN 00412877"), ("medical record number", "mrn: 412877"),
    ("medical record number", "MRN#00412877"), ("medical record number", "MRN00412877"),
    ("medical record number", "Medical record number is 0041287"), ("medical record number", "med rec no. 123456"),
    ("medical record number", "chart #992817"), ("medical record number", "encounter 5567812"),
    ("medical record number", "patient 00412877 on Monday"), ("medical record number", "Pt# 5521987"),
    ("medical record number", "patient ID: AB-55219"), ("medical record number", "CSN 100200300"),
    ("Social Security number", "078-05-1120"), ("Social Security number", "his SSN is 078051120"),
    ("Social Security number", "social security no. 078 05 1120"),
    ("date of birth", "DOB 03/14/1961"), ("date of birth", "dob: 1961-03-14"), ("date of birth", "D.O.B. 3.14.61"),
    ("date of birth", "born March 14, 1961"), ("date of birth", "date of birth 14 Mar 1961"),
    ("date of birth", "birthdate=03141961"),
    ("patient's name", "for patient Zebediah Quillfeather"), ("patient's name", "Patient: Quillfeather, knee"),
    ("patient's name", "patient's name is Quillfeather"), ("patient's name", "pt. Quillfeather"),
    ("patient's name", "pt O'Hara"), ("patient's name", "Patient Mrs. Jones"), ("patient's name", "PATIENT JOHN SMITH"),
    ("patient's name", "Patient lift for patient Ólafsdottir or patient Smith"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "text"), PATIENTS, ids=[text for _, text in PATIENTS])
def test_it_notices(what: str, text: str):
    reason = reason_to_leave_out(text)
    assert reason is not None
    assert what in reason
    assert reason.endswith(INSTEAD)
    assert not any(word in reason for word in text.split() if any(c.isdigit() for c in word)), "it repeats nothing"


GOODS = [
    "", "Restock for the week", "Two revisions on Monday", "Knee list on Thursday 2026-12-03", "OR 4, room 1203",
    "HIP-STEM-12", "KNEE-TIB-4 x 2", "GTIN 00812345678906", "REF 0041-2877", "lot 20260412", "UDI (01)00812345678906",
    "PO 4500012345", "contract C-CORDIS-26", "$12,500.50", "12,500.50 USD", "100000 gloves", "NDC 0069-2587-10",
    "SUP-CORDIS quote 100200300", "call 312-555-0142", "Patient lift, ceiling mounted",
    "patient Monitor IntelliVue MX450", "Patient gowns L, 200", "PATIENT TRANSFER SHEET", "patient return electrode",
    "3 patients", "one patient, two knees", "patient 3 of 8", "The patient is waiting",
    "for the next patient Monday morning", "PT room 12", "PT INR reagents", "Dr. Okafor asked", "Ana Silva is away",
    "Rita: no stock", "MRN labels 5000", "Medical records 2026 binders", "chart paper, 40 rolls", "born-again shelf",
    "encounter forms", "MRI coil 16 channel", "Use the consigned tray", "too dear", "Could it wait until 2027?",
    "why so many?", "FY2026 budget 400000", "patient-specific instruments", "per patient: 2 sets", "SSN-free forms",
    "birth center, 3 beds", "Patient Safety Committee", "code 123-45-6789-B",
]  # fmt: skip


@pytest.mark.parametrize("text", GOODS)
def test_it_lets_pass(text: str):
    assert reason_to_leave_out(text) is None


def test_it_lets_pass_everything_in_the_catalogue():
    for item in hospital().items:
        assert reason_to_leave_out(f"{item.description} {item.code} at {item.price} from {item.supplier}") is None


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "Z"]), max_size=300))
def test_it_answers_whatever_is_typed(text: str):
    assert reason_to_leave_out(text) is None or INSTEAD in str(reason_to_leave_out(text))


@given(st.integers(1, 100_000), st.decimals(0, 250_000, places=2), st.integers(1, 30))
def test_quantities_prices_and_rooms_pass(quantity: int, price: object, room: int):
    assert reason_to_leave_out(f"{quantity} x item at ${price}, OR {room}, for {quantity} patients") is None
