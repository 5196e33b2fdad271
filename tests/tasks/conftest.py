"""What the tests of the verbs share."""

import pytest

from tasks import durable


@pytest.fixture(autouse=True)
def _no_patience_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once: the tests do not wait for anybody."""
    monkeypatch.setattr(durable, "BACKOFF_S", 0)
