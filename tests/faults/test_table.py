"""The printed matrix: it fits on a page, and a twin that found nothing cannot be overlooked."""

from io import StringIO

from rich.console import Console

from tests.faults.__main__ import CALM, CHECK, TWIN, WIDTH, Told


def test_the_table_fits_on_a_page_and_says_where_a_twin_found_nothing():
    told = Told()
    about = {"fault": "S3 says 503 " * 8, "guard": "no intent in the ledger, no call " * 4}
    told.rows = {"20-caught": {**about, "shown": "I1 2 documents of kind purchase.purchase " * 4}, "21-not": about}
    told.outcomes = {(name, CHECK): "passed" for name in told.rows}
    told.outcomes |= {("20-caught", TWIN): "passed", ("21-not", TWIN): "failed"}
    told.rows["24-red-anyway"] = {**about, "shown": "I1"}
    told.outcomes |= {("24-red-anyway", CHECK): "passed", ("24-red-anyway", TWIN): "passed"}
    told.outcomes["24-red-anyway", CALM] = "failed"
    page = Console(width=WIDTH, file=StringIO(), record=True)
    page.print(told.table())
    drawn = page.export_text()
    assert max(len(line) for line in drawn.splitlines()) == WIDTH == 120
    assert "I1 2 documents of kind" in drawn
    assert drawn.count("NOTHING") == 1
    assert drawn.count("WITHOUT the fault") == 1
