"""Comparing what is shown with what was agreed to be shown."""

import json
import os
from pathlib import Path
from typing import Any

AGREED = Path(__file__).with_name("snapshots")


def as_agreed(name: str, shown: str | dict[str, Any] | list[Any]) -> None:
    """Assert that *shown* is what the file of that name holds; with ALMONER_SNAPSHOTS=write, write it."""
    text = shown if isinstance(shown, str) else json.dumps(shown, indent=1, ensure_ascii=False) + "\n"
    path = AGREED / name
    if os.environ.get("ALMONER_SNAPSHOTS") == "write":
        path.write_text(text)
    assert path.exists(), f"tests/snapshots/{name} is missing: write it with ALMONER_SNAPSHOTS=write"
    assert text == path.read_text(), f"{name} is not as agreed; if it should be, ALMONER_SNAPSHOTS=write"
