"""Finding one's way in blocks: every element with the block it belongs to."""

from collections.abc import Iterator

from infrastructure.local.desk.shapes import Json


def elements(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Yield each interactive element with its block, in reading order."""
    for block in blocks:
        if block["type"] == "actions":
            for element in block["elements"]:
                yield block, element
        elif block["type"] == "input":
            yield block, block["element"]
        elif block["type"] == "section" and "accessory" in block:
            yield block, block["accessory"]


def find(blocks: list[Json], block_id: str | None, action_id: str) -> tuple[Json, Json] | None:
    """Find an element by its action id, and by its block's id where one is given."""
    for block, element in elements(blocks):
        if element.get("action_id") == action_id and block_id in (None, "", block["block_id"]):
            return block, element
    return None


def options(element: Json) -> list[Json]:
    """Every option of a menu or a set of boxes, groups laid flat."""
    flat = list(element.get("options", ()))
    for group in element.get("option_groups", ()):
        flat += group["options"]
    return flat
