"""Check a pack's log: the whole tree under its signed head, and that no entry of the period is missing."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .check_bundle import LEAF, TILE, Json, check_head, must, node, sha256
from .check_stamps import stamped_sizes

JUDGED_BY = frozenset({"book~policy", "book~directory", "book~duties", "book~passkeys", "book~fingerprint"})
"""Books that are in every pack from their first entry on, for nothing can be judged without them."""
NO_HEAD = "NOT under a signed head: this shows what the chains say, not that they were there"


class Given(NamedTuple):
    """What the auditor knows from elsewhere; empty where they do not."""

    key: str = ""
    witness: str = ""
    roots: Path | None = None
    earlier: Path | None = None


def check_log(
    folder: Path, about: Json, chains: dict[str, list[bytes]], given: Given, trees: dict[int, bytes]
) -> tuple[list[str], list[str]]:
    """Rebuild the tree, and compare it with its signed head, and each entry with what the log commits to.

    Say what holds, and what not. *trees* takes up the root of the tree at each size of which a head was stamped.
    """
    if "log" not in about:
        must(
            not (given.key or given.witness), "it is under no signed head, so the key that you gave has signed nothing"
        )
        return [NO_HEAD], []
    for key, name in ((given.key, "log"), (given.witness, "witness")):
        must(not key or key.strip() == about.get(name), f"the {name}'s key is {about.get(name)}, not the one given")
    where = folder / "ledger" / "log"
    handovers = [path.read_text(encoding="utf-8") for path in sorted((where / "keys").glob("*"))]
    size, root = check_head(_note(folder), about["log"], handovers, about.get("witness", ""))
    since, before = check_head(_note(given.earlier), about["log"], handovers, "") if given.earlier else (0, b"")
    must(since <= size, f"the log has {size} entries here, and had {since} in the earlier pack")
    scope = _Scope(about, chains)
    wanted = {size, since, *stamped_sizes(folder)}
    tree = _Tree()
    for place, leaf in enumerate(_leaves(where, size), 1):
        tree.add(leaf)
        if place in wanted:
            trees[place] = tree.root()
        scope.hear(leaf)
    must(tree.root() == root, "the log is not the one whose head was signed")
    must(not since or trees[since] == before, "the log does not go on from where it was in the earlier pack")
    period = (
        f"from {about['since']} to {about['until']}: {len(scope.seen)} entries, with what came before in their chains"
    )
    holds = [
        f"{size} entries are under the head signed by {about['log']}",
        f"it covers what was sealed {period}; of all others the log holds the digest alone",
    ]
    if since:
        holds.append(f"the log goes on from the {since} entries of the earlier pack")
    return holds, scope.wrong()


def _note(folder: Path) -> str:
    return (folder / "ledger" / "log" / "checkpoint").read_text(encoding="utf-8")


class _Scope:
    """What must be here: each entry sealed in the period, what comes before it, and certain books until its end."""

    def __init__(self, about: Json, chains: dict[str, list[bytes]]) -> None:
        self._about, self._chains = about, chains
        self._missing: list[str] = []
        self.seen: dict[tuple[str, int], str] = {}

    def hear(self, leaf: bytes) -> None:
        """Take in what the log commits to next."""
        committed = LEAF.fullmatch(leaf)
        if not committed:
            self._missing.append(f"{leaf!r} is in the log, and no entry")
            return
        at, case, digest, seq = (one.decode() for one in committed.groups())
        if int(seq) <= len(self._chains.get(case, ())):
            self.seen[case, int(seq)] = digest
        elif at < self._about["until"] and (at >= self._about["since"] or case in JUDGED_BY):
            self._missing.append(f"{case}/{seq} is in the log of this period, and not in the archive")

    def wrong(self) -> list[str]:
        """Say what is missing, and what is here and not what the log commits to."""
        found = list(self._missing)
        for case, texts in self._chains.items():
            for number, text in enumerate(texts, 1):
                if self.seen.get((case, number)) != sha256(text).hex():
                    what = (
                        "is not what the log commits to" if (case, number) in self.seen else "is not in the signed log"
                    )
                    found.append(f"{case}/{number} {what}")
        return found


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
