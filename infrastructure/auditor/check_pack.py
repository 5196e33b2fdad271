"""Check a pack: a period of Almoner's ledger, unpacked into a folder. It trusts nobody, and asks nobody.

    python -m auditor.check_pack FOLDER [--key LOGKEY] [--witness WITNESSKEY] [--roots PEM] [--earlier FOLDER]

It needs Python and the library `cryptography`, and for time-stamps the program `openssl`. Give the keys, and the roots
of the time-stamp authority, as you know them from elsewhere: see `check_bundle.py`. An earlier pack shows that the log
went on from where it was then.
Exit code 0: everything holds. 1: something does not, and each is named. 2: it cannot be read.
"""

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

from .check_bundle import Json, Wrong, check_case, lines_of, read_chain
from .check_log import Given, check_log
from .check_stamps import check_stamps

REFERRED = re.compile(rb'"(?:seen|object|policy|directory|shown)":"([0-9a-f]{64})"')
PASSKEYS, FINGERPRINT, SUMS = "book~passkeys", "book~fingerprint", "SHA256SUMS"


class Found(NamedTuple):
    """What a check found: what holds, in words, and what does not."""

    holds: list[str]
    wrong: list[str]


def check_pack(folder: Path, key: str = "", witness: str = "", *, given: Given | None = None) -> Found:
    """Check everything in an unpacked archive."""
    known = given or Given(key, witness)
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
    _results(folder, chains, found)
    trees: dict[int, bytes] = {}
    try:
        for told, more in zip(found, check_log(folder, about, chains, known, trees), strict=True):
            told.extend(more)
    except (Wrong, OSError, ValueError, IndexError) as wrong:
        found.wrong.append(str(wrong))
    for told, more in zip(found, check_stamps(folder, entries.get(FINGERPRINT, []), known.roots, trees), strict=True):
        told.extend(more)
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


def _results(folder: Path, chains: dict[str, list[bytes]], found: Found) -> None:
    """Compare each result with the entry of its case that it names: what was shown of a case at its end."""
    top, count = folder / "ledger" / "results", 0
    for path in sorted(top.glob("*/*/*~*.json")):
        seq, _, head = path.stem.partition("~")
        texts, name = chains.get(path.parent.name, []), path.relative_to(top).as_posix()
        told = json.loads(path.read_bytes())
        if not 0 < int(seq) <= len(texts) or {hashlib.sha256(texts[int(seq) - 1]).hexdigest()} != {head, told["head"]}:
            found.wrong.append(f"results/{name} tells of an entry {seq} that is not there")
        count += 1
    found.holds.append(f"{count} results tell of entries that are here")


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
    parser.add_argument("--roots", type=Path, help="the time-stamp authority's roots (PEM), as you know them")
    parser.add_argument("--earlier", type=Path, help="an earlier pack, unpacked: this one's log must go on from its")
    asked = parser.parse_args()
    try:
        given = Given(asked.key, asked.witness, asked.roots, asked.earlier)
        found = check_pack(asked.folder, given=given)
    except (OSError, ValueError, KeyError) as error:
        print(f"\u2717 {asked.folder} cannot be read as a pack: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    print("\n".join([*(f"\u2713 {one}" for one in found.holds), *(f"\u2717 {one}" for one in found.wrong)]))
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
