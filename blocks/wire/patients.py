"""Patients stay out: what people type is looked through for what seems to be about one, before it is kept or shown.

It knows record numbers by what they are called, Social Security numbers, dates of birth, and "patient" with a name.
A name that stands by itself is not known from any other word: see the decision on privacy.
"""

import re

INSTEAD = "please leave patients out, and name the procedure or the list instead"
DATE = r"(?:\d{1,4}[-/. ]\d{1,2}[-/. ]\d{2,4}|\d{1,2},? +\d{4}|\d{1,2}\.? +[A-Za-z]{3,9}\.?,? +\d{2,4}|\d{6,8})\b"
CALLED = r"(?:no\.?|num(?:ber)?|nr\.?|id|is|#)"
RECORD = r"med(?:ical)?\.? ?rec(?:ord)?s?|chart|encounter|hospital (?:no\.?|number)"
TO_NUMBER = rf"(?:\W{{0,4}}{CALLED}){{0,2}}\W{{0,4}}"
LIKELY: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "a Social Security number",
        (r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])", rf"\b(?:SSN|social security)\b{TO_NUMBER}\d[\d -]{{6,}}"),
    ),
    (
        "a medical record number",
        (
            rf"\b(?:MRN|CSN|M\.R\.N\.?){TO_NUMBER}[A-Z]{{0,3}}-?\d{{4,}}",
            rf"\b(?:{RECORD}|patient|pt|pat)\b{TO_NUMBER}[A-Z]{{0,3}}-?\d{{5,}}",
        ),
    ),
    (
        "a date of birth",
        (rf"\b(?:DOB|D\.O\.B\.?|date of birth|birth ?date|birthday|born)\b[^\d\n]{{0,14}}{DATE}",),
    ),
)
PATTERNS = tuple((what, re.compile(one, re.IGNORECASE)) for what, ways in LIKELY for one in ways)
NAMED = re.compile(
    r"\b(?:[Pp]atient|PATIENT|[Pp]t\.?|[Pp]at\.)(?:['\u2019]s)?(?:\s*[:,-]\s*|\s+)"
    r"(?:(?:[Nn]ame[d]?|is|called)(?:\s+is)?[\s:]+)?(?:(?:Mr|Mrs|Ms|Miss)\.?\s+)?"
    r"(?P<name>[A-Z][a-z\u00df-\u00ff'\u2019-]+|[A-Z]{3,}(?=\s+[A-Z]{3,}\b))"
)
GOODS_AND_THOUGHTS = """
    a access advocate all and any approval area armband bag bags bed beds belongings board cable cables call care chart
    charts circuit circuits comfort controlled cooling day days drape drapes dr education equipment experience file flow
    food for from gown gowns handling has have helmet hygiene i id identification if implant implants in inr instruments
    is it kit kits label labels lead leads lift lifter lifts line lines load matched monitor monitoring monitors mover
    needs no not on or pack packs pad pads plate please portal positioner positioning record records relations restraint
    return room rooms safety satisfaction scale scales services side simulator simulators slide slider sling slings
    slippers socks specific station stretcher support table the they this to transfer transport tray trolley turning
    unit units volume wait waiting warmer warmers warming was we wheelchair will wipes with wristband wristbands
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september
    october november december today tomorrow
"""
NO_NAMES = frozenset(GOODS_AND_THOUGHTS.split())
"""What follows "patient" in names of goods and places, or at the beginning of the next thought."""


def reason_to_leave_out(text: str) -> str | None:
    """Say what in a text seems to be about a patient, and what to do; None where nothing does.

    >>> reason_to_leave_out("for MRN 00412877")
    'seems to hold a medical record number: please leave patients out, and name the procedure or the list instead'
    >>> reason_to_leave_out("Two hips on Monday, OR 4, HIP-STEM-12, $12,500.50")
    """
    found = next((what for what, pattern in PATTERNS if pattern.search(text)), None)
    if found is None and any(match["name"].lower() not in NO_NAMES for match in NAMED.finditer(text)):
        found = "a patient's name"
    return f"seems to hold {found}: {INSTEAD}" if found else None
