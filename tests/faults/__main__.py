"""`python -m tests.faults [--no-prefect]`: play the matrix, and print each row: its fault, its check, its twin.

`python -m tests.faults.cents` carries many cases through mixed faults, and counts the cents.
"""

import argparse
import sys

import pytest
from rich.console import Console
from rich.table import Table

CHECK, TWIN = "test_the_row_holds", "test_without_its_guard_the_same_check_says_so"
CALM = "test_without_its_guard_and_without_its_fault_the_check_finds_nothing"
MATRIX = "tests/faults/test_matrix.py"
WIDTH, SHOWN_MAX = 120, 30


class Told:
    """What pytest reports of each row, by the row's name."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, str]] = {}
        self.outcomes: dict[tuple[str, str], str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of how a check or a twin went."""
        about = dict(report.user_properties)
        if "row" not in about:
            return
        test = report.nodeid.partition("::")[2].partition("[")[0]
        name = str(about["row"])
        self.rows[name] = self.rows.get(name, {}) | {key: str(value) for key, value in about.items()}
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[name, test] = report.outcome

    def table(self) -> Table:
        """Draw the matrix."""
        drawn = Table(title="What may fail, and what holds", title_justify="left", show_lines=False)
        drawn.add_column("row", justify="right")
        for head in ("fault", "check", "guard"):
            drawn.add_column(head)
        drawn.add_column("without it, found", no_wrap=True, max_width=SHOWN_MAX)
        for name in sorted(self.rows):
            about = self.rows[name]
            check, twin = (self.outcomes.get((name, test), "not played") for test in (CHECK, TWIN))
            holds = {"passed": "[green]holds[/]", "failed": "[red]FAILS[/]"}.get(check, check)
            caught = {"passed": about.get("shown", ""), "failed": "[red]NOTHING[/]"}.get(twin, twin)
            if self.outcomes.get((name, CALM)) == "failed":
                caught = "[red]the same WITHOUT the fault[/]"
            drawn.add_row(name[:2].lstrip("0"), about["fault"], holds, about["guard"], caught)
        return drawn


def main() -> int:
    """Play, print, and return 1 where a check fails or a twin is not caught."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-prefect", action="store_true", help="leave out the rows that need Prefect and PostgreSQL")
    given = parser.parse_args()
    told = Told()
    without = ["-m", "not engine"] if given.no_prefect else []
    code = pytest.main([MATRIX, "-q", "--no-header", *without], plugins=[told])
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    console.print(told.table())
    numbers = {name[:2] for name in told.rows}
    passed = sum(outcome == "passed" for outcome in told.outcomes.values())
    console.print(
        f"{len(numbers)} rows, {len(told.rows)} scenes, {passed} of {len(told.outcomes)} checks and twins as wanted"
    )
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
