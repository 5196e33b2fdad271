"""A small ledger with its log and witness, which can be tampered with and put back."""

import asyncio
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from blocks.audit.verdict import Verdict, verify
from blocks.ledger import Chain, Ledger
from blocks.records.ledger import Entry, Line
from blocks.sealing.log import CHECKPOINT, PREFIX, Log
from blocks.sealing.notes import HeadsLog
from blocks.sealing.sealer import LOCK, Sealer
from blocks.sealing.witness import SEEN, Witness, Witnessed
from blocks.wire.canonical import canonical, digest
from blocks.wire.commitments import Commitment, read_commitment
from blocks.wire.signed_note import COSIGNS, Checkpoint, SecretKey
from blocks.wire.tiles import Edge, Tile, grown, levels_of, tiles_of, unbundled
from tests.tampering.places import Place

KEY = SecretKey.made("log.example/ledger")
WITNESS = SecretKey.made("audit.example/witness", COSIGNS)


@dataclass
class Kept:
    """A ledger as it was written (`files`, by key), and the place where it lies."""

    place: Place
    began: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    """By the real clock: a server that keeps versions stamps them by its own."""
    files: dict[str, bytes] = field(default_factory=dict)
    heads: list[bytes] = field(default_factory=list)
    """Every head that was published, oldest first."""
    seen: list[bytes] = field(default_factory=list)
    """Every head that the witness cosigned, oldest first."""
    leaves: list[bytes] = field(default_factory=list)
    chains: dict[str, list[bytes]] = field(default_factory=dict)

    @classmethod
    async def written(cls, place: Place, *, cases: int, random: Random) -> "Kept":
        """Write it, in three rounds of sealing, each witnessed."""
        kept, store = cls(place), place.store
        heads = HeadsLog(store, writer="test")
        ledger, sealer = Ledger(store, [heads]), Sealer(Ledger(store), KEY)
        witness = Witness(Log(store, KEY.public), place.witness_store, WITNESS)
        document = await ledger.keep(b"what a person was shown")
        for turn in range(3):
            now = kept.began + timedelta(seconds=turn)
            for number in range(cases):
                chain = await ledger.read(f"RQ-{number:04}")
                for _ in range(random.randint(1, 3)):
                    chain = await ledger.append(chain, [line(chain.seq, document, now)])
            await heads.flush(now)
            await sealer.round(now)
            await witness.look(now)
            kept.heads.append(await store.get(CHECKPOINT))
            kept.seen.append(await place.witness_store.get(SEEN))
        kept._read()
        return kept

    def _read(self) -> None:
        self.files = self.place.files()
        for key, data in sorted(self.files.items()):
            if key.startswith("cases/"):
                self.chains.setdefault(key.split("/")[1], []).append(data)
            if Tile(None, 0).path in key and key == self._bundle_key(0):
                self.leaves = unbundled(data) or []
        for tile in list(tiles_of(self.size, None))[1:]:
            self.leaves += unbundled(self.files[PREFIX + tile.path]) or []

    def _bundle_key(self, number: int) -> str:
        return PREFIX + list(tiles_of(self.size, None))[number].path

    @property
    def size(self) -> int:
        """How many entries the last head covers."""
        return int(self.heads[-1].split(b"\n")[1])

    @property
    def evidence(self) -> list[str]:
        """The keys of all that the last head, its log and the chains rest upon."""
        tiles = {PREFIX + tile.path for level in (None, *levels_of(self.size)) for tile in tiles_of(self.size, level)}
        kinds = ("cases/", "objects/")
        return [key for key in self.files if key.startswith(kinds) or key in tiles | {CHECKPOINT, LOCK}]

    def commitment(self, place: int) -> Commitment:
        """Read the log's entry at a place."""
        found = read_commitment(self.leaves[place])
        assert found is not None
        return found

    def relogged(self, chains: dict[str, list[bytes]]) -> dict[str, bytes | None]:
        """Write the whole log anew over other chains, signed with the log's own key, as a thief of it would."""
        leaves = []
        for leaf in self.leaves:
            one = read_commitment(leaf)
            assert one is not None
            if one.seq <= len(chains[one.case]):
                leaves.append(one._replace(digest=digest(chains[one.case][one.seq - 1])).data)
        edge, files = grown(Edge(), leaves)
        note = Checkpoint(KEY.name, edge.size, edge.root).signed([KEY]).data
        gone = {key: None for key in self.files if key.startswith(PREFIX + "tile/")}
        return {**gone, **{PREFIX + path: data for path, data in files.items()}, CHECKPOINT: note, LOCK: note}

    def verdict(self) -> Verdict:
        """Verify with our own."""
        witnessed = Witnessed(self.place.witness_store, WITNESS.public)
        store, (bucket, seen_in) = self.place.store, self.place.buckets
        log, later = Log(store, KEY.public), self.began + timedelta(hours=2)
        return asyncio.run(verify(Ledger(store), log, witnessed, bucket=bucket, witness_bucket=seen_in, now=later))

    def told(self, program: Path, *more: str) -> list[tuple[str, str]]:
        """Verify with the program nobody here wrote the cryptography of: where, and what; none where all holds."""
        store, witness = self.place.addresses
        arguments = ["-store", store, "-key", KEY.public.text, "-witness", witness, "-witness-key", WITNESS.public.text]
        arguments += ["-now", f"{self.began + timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}"]
        ended = subprocess.run(  # noqa: S603
            [str(program), *arguments, *more], env=self.place.environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode in (0, 1), ended.stderr
        lines = ended.stdout.splitlines()
        assert lines[0].startswith("ok:") is (ended.returncode == 0), ended.stdout
        found = [] if ended.returncode == 0 else [one.split(": ", 2) for one in lines]
        return [(one[0], one[1]) for one in found]


def line(number: int, seen: str | None, at: datetime) -> Line:
    """One act."""
    return Line(act="noted", actor="process:test", at=at, seen=seen, body={"n": number})


def linked(case: str, entries: list[Entry]) -> list[bytes]:
    """Number and link entries as if they had been written so."""
    texts, head = list[bytes](), Chain(case).head
    for seq, entry in enumerate(entries, 1):
        texts.append(canonical(entry.model_copy(update={"case": case, "seq": seq, "prev": head})))
        head = digest(texts[-1])
    return texts
