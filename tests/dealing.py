"""How tests are dealt out to processes side by side: those that share servers go to one of them, and begin first."""

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/e2e/", "tests/infrastructure/worker/")
"""Folders whose files share a stack."""
FIRST = (
    *TOGETHER,
    "tests/blocks/erp/test_tryton.py",
    "tests/stories/",
    "tests/infrastructure/stack/",
    "tests/crashes/",
)
"""What takes longest: begun last, it would be waited for by one process alone."""


class ByServers(LoadScopeScheduling):
    """File by file, but for folders that share a stack."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid.partition("::")[0])


def longest_first(items: list[pytest.Item]) -> None:
    """Put first what takes longest; the rest stays in its order."""
    items.sort(key=lambda item: next((n for n, one in enumerate(FIRST) if item.nodeid.startswith(one)), len(FIRST)))
