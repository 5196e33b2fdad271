"""Check a pack: a period of Almoner's ledger, unpacked into a folder. It trusts nobody, and asks nobody.

    python -m auditor.check_pack FOLDER [--key LOGKEY] [--witness WITNESSKEY]

It needs Python and the library `cryptography`. Give the keys as you know them from elsewhere: see `check_bundle.py`.
Exit code 0: everything holds. 1: something does not, and each is named. 2: it cannot be read.
"""

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from .check_bundle import LEAF, TILE, Json, Wrong, check_case, check_head, lines_of, must, node, read_chain, sha256

REFERRED = re.compile(rb'"(?:seen|object|policy|directory|shown)":"([0-9a-f]{64})"')
PASSKEYS, SUMS = "book~passkeys", "SHA256SUMS"


class Found(NamedTuple):
    """What a check found: what holds, in words, and what does not."""

    holds: list[str]
    wrong: list[str]


def check_pack(folder: Path, key: str = "", witness: str = "") -> Found:
    """Check everything in an unpacked archive."""
    about = json.loads((folder / "about.json").read_bytes())
    found = Found([], _sums(folder))
    chains: dict[str, list[bytes]] = {}
    for path in sorted((folder / "ledger" / "cases").glob("*/*.json")):
        chains.setdefault(path.parent.name, []).append(path.read_bytes())
    entries: dict[str, list[Json]] = {}
    for case, texts in chains.items():
        try:
            entries[case] = read_chain(case, texts)
        except (Wrong, ValueError, KeyError, TypeError) as wrong:
            found.wrong.append(str(wrong))
    _decisions(entries, found)
    _objects(folder, chains, found)
    try:
        _log(folder, about, chains, found, (key, witness))
    except (Wrong, OSError, ValueError, IndexError) as wrong:
        found.wrong.append(str(wrong))
    _exports(folder, about, entries, found)
    return found


def _sums(folder: Path) -> list[str]:
    """Compare each file with the sum that the archive gives it, and find what it gives none."""
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    known = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    ours = (path for top in ("ledger", "exports") for path in (folder / top).rglob("*") if path.is_file())
    more = sorted({path.relative_to(folder).as_posix() for path in ours} - set(known))
    wrong = [f"{name} is in no list: it was added" for name in more]
    for name, digest in known.items():
        if not (folder / name).is_file():
            wrong.append(f"{name} is missing")
        elif hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            wrong.append(f"{name} is not what the archive's list says")
    return wrong


def _decisions(entries: dict[str, list[Json]], found: Found) -> None:
    keys = entries.get(PASSKEYS, [])

    def enrolled(credential: str, until: int) -> Json | None:
        known: dict[str, Json] = {}
        for line in lines_of(keys[:until]):
            if line["act"] == "enrolled":
                known[line["key"]] = line["body"]["passkey"]
            elif line["act"] == "withdrawn":
                known.pop(line["key"], None)
        return next((one for one in known.values() if one["credential"] == credential), None)

    decided = 0
    for chain in entries.values():
        decided += sum(line["act"] == "decided" for line in lines_of(chain))
        try:
            check_case(chain, enrolled)
        except (Wrong, ValueError, KeyError, TypeError, IndexError) as wrong:
            found.wrong.append(f"{chain[0]['case']}: {wrong}")
    told = sum(len(chain) for chain in entries.values())
    found.holds.append(
        f"{len(entries)} chains of {told} entries follow one another; {decided} decisions fit what was asked"
    )


def _objects(folder: Path, chains: dict[str, list[bytes]], found: Found) -> None:
    kept = {path.name: path for path in (folder / "ledger" / "objects").glob("*")}
    named = {name.decode() for texts in chains.values() for text in texts for name in REFERRED.findall(text)}
    found.wrong.extend(f"document {name} is missing" for name in sorted(named - set(kept)))
    found.wrong.extend(
        f"document {name} is not what its name says"
        for name, path in sorted(kept.items())
        if hashlib.sha256(path.read_bytes()).hexdigest() != name
    )
    found.holds.append(f"{len(kept)} documents are what their names say")


def _log(folder: Path, about: Json, chains: dict[str, list[bytes]], found: Found, given: tuple[str, str]) -> None:
    """Rebuild the tree, and compare it with its signed head, and each entry with what the log commits to."""
    if "log" not in about:
        must(not any(given), "it is under no signed head, so the key that you gave has signed nothing")
        found.holds.append("NOT under a signed head: this shows what the chains say, not that they were there")
        return
    for key, name in zip(given, ("log", "witness"), strict=True):
        must(not key or key.strip() == about.get(name), f"the {name}'s key is {about.get(name)}, not the one given")
    where = folder / "ledger" / "log"
    handovers = [path.read_text(encoding="utf-8") for path in sorted((where / "keys").glob("*"))]
    note = (where / "checkpoint").read_text(encoding="utf-8")
    size, root = check_head(note, about["log"], handovers, about.get("witness", ""))
    tree = _Tree()
    seen: dict[tuple[str, int], str] = {}
    for leaf in _leaves(where, size):
        tree.add(leaf)
        committed = LEAF.fullmatch(leaf)
        at, case, digest, seq = (one.decode() for one in committed.groups()) if committed else ("", "", "", "0")
        if case in chains and int(seq) <= len(chains[case]):
            seen[case, int(seq)] = digest
        elif not committed or about["since"] <= at < about["until"]:
            found.wrong.append(f"{case or repr(leaf)}/{seq} is in the log of this period, and not in the archive")
    must(tree.root() == root, "the log is not the one whose head was signed")
    for case, texts in chains.items():
        for number, text in enumerate(texts, 1):
            if seen.get((case, number)) != sha256(text).hex():
                what = "is not what the log commits to" if (case, number) in seen else "is not in the signed log"
                found.wrong.append(f"{case}/{number} {what}")
    found.holds.append(f"{size} entries are under the head signed by {about['log']}")
    found.holds.append(f"all that the log has from {about['since']} to {about['until']} was looked for here")


class _Tree:
    """A Merkle tree that grows by its right edge (RFC 6962): the full subtrees, each with its width."""

    def __init__(self) -> None:
        self._edge: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        self._edge.append((1, sha256(b"\x00" + leaf)))
        while len(self._edge) > 1 and self._edge[-1][0] == self._edge[-2][0]:
            (width, right), (_, left) = self._edge.pop(), self._edge.pop()
            self._edge.append((2 * width, node(left, right)))

    def root(self) -> bytes:
        if not self._edge:
            return sha256(b"")
        found = self._edge[-1][1]
        for _, left in reversed(self._edge[:-1]):
            found = node(left, found)
        return found


def _leaves(where: Path, size: int) -> Iterator[bytes]:
    """Read the log's entries from its bundles (C2SP tlog-tiles)."""
    for number in range(-(-size // TILE)):
        width = min(TILE, size - number * TILE)
        digits = f"{number:0{-(-len(str(number)) // 3) * 3}d}"
        parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        path = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
        data = (where / "tile" / "entries" / (path if width == TILE else f"{path}.p/{width}")).read_bytes()
        for _ in range(width):
            length = int.from_bytes(data[:2], "big")
            yield data[2 : 2 + length]
            data = data[2 + length :]


def _exports(folder: Path, about: Json, entries: dict[str, list[Json]], found: Found) -> None:
    """Count the exported events against the lines of the period."""
    lines = [line for chain in entries.values() for line in lines_of(chain)]
    wanted = sum(about["since"] <= line["at"].partition(".")[0].rstrip("Z") + "Z" < about["until"] for line in lines)
    stem = folder / "exports" / about["period"]
    counted: dict[str, Any] = {
        "OCEL": len(json.loads(stem.with_suffix(".ocel.json").read_bytes())["events"]),
        "FHIR": len(json.loads(stem.with_suffix(".fhir.json").read_bytes())["entry"]),
        "XES": stem.with_suffix(".xes").read_text(encoding="utf-8").count("<event>"),
    }
    found.wrong.extend(f"{name} has {n} events, the ledger {wanted}" for name, n in counted.items() if n != wanted)
    found.holds.append(f"{wanted} lines of {about['period']} are as many events in OCEL, FHIR and XES")


def main() -> int:
    """Check the folder named on the command line, and say it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--key", default="", help="the log's first public key, as you know it")
    parser.add_argument("--witness", default="", help="the witness's public key, as you know it")
    asked = parser.parse_args()
    try:
        found = check_pack(asked.folder, asked.key, asked.witness)
    except (OSError, ValueError, KeyError) as error:
        print(f"\u2717 {asked.folder} cannot be read as a pack: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    print("\n".join([*(f"\u2713 {one}" for one in found.holds), *(f"\u2717 {one}" for one in found.wrong)]))
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
