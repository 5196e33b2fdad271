"""What the Merkle log holds of an entry: where it stands, its digest, and when it was sequenced. No fact of a case."""

import re
from datetime import UTC, datetime
from typing import NamedTuple

_AT = "%Y-%m-%dT%H:%M:%SZ"
_CASE, _DIGEST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,127}"), re.compile(r"[0-9a-f]{64}")
_SEQ_MAX = 99_999_999
_LEAF = re.compile(
    rb'\{"at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)","case":"([A-Za-z0-9][A-Za-z0-9._~-]{0,127})",'
    rb'"digest":"([0-9a-f]{64})","seq":([1-9]\d{0,7})\}'
)


class Commitment(NamedTuple):
    """An entry as the log commits to it. `at` (UTC, whole seconds, as text) never decreases along the log."""

    at: str
    case: str
    seq: int
    digest: str
    """SHA-256 of the entry as stored, in hex."""

    @property
    def data(self) -> bytes:
        """The leaf: canonical JSON of less than 300 bytes.

        >>> Commitment("2026-11-25T20:00:00Z", "RQ-1", 7, "ab" * 32).data[:52]
        b'{"at":"2026-11-25T20:00:00Z","case":"RQ-1","digest":'
        """
        return f'{{"at":"{self.at}","case":"{self.case}","digest":"{self.digest}","seq":{self.seq}}}'.encode()


def read_commitment(data: bytes) -> Commitment | None:
    """Read a leaf, or None where the bytes are none."""
    found = _LEAF.fullmatch(data)
    return Commitment(found[1].decode(), found[2].decode(), int(found[4]), found[3].decode()) if found else None


def case_part(case: str) -> bytes:
    """Print what each leaf of a case holds, and no leaf of another.

    >>> case_part("RQ-1") in Commitment("2026-11-25T20:00:00Z", "RQ-1", 7, "ab" * 32).data
    True
    """
    return f'"case":"{case}"'.encode()


def is_place(case: object, seq: object, digest: object) -> bool:
    """Say whether the log can commit to an entry of this case, number and digest."""
    texts = isinstance(case, str) and isinstance(digest, str) and _CASE.fullmatch(case) and _DIGEST.fullmatch(digest)
    return bool(texts) and type(seq) is int and 0 < seq <= _SEQ_MAX


def moment_text(at: datetime) -> str:
    """Print an aware moment as a leaf holds it."""
    return f"{at.astimezone(UTC):{_AT}}"


class Committed:
    """Which entries a log holds, 32 bytes each: a million take some 60 MB."""

    def __init__(self) -> None:
        self._rows: dict[str, bytearray] = {}
        self._apart: dict[str, dict[int, bytes]] = {}
        """What came out of turn, so that a number far off takes no room for those before it."""

    def add(self, case: str, seq: int, digest: str) -> bool:
        """Take up an entry; False where it is there already, whatever its digest."""
        row = self._rows.get(case)
        if row is None:
            row = self._rows[case] = bytearray()
        if 32 * (seq - 1) < len(row) or seq in self._apart.get(case, ()):
            return False
        if 32 * (seq - 1) == len(row):
            row += bytes.fromhex(digest)
        else:
            self._apart.setdefault(case, {})[seq] = bytes.fromhex(digest)
        return True

    def get(self, case: str, seq: int) -> str | None:
        """Give the digest (hex) that the log holds for an entry, or None."""
        row, place = self._rows.get(case, b""), 32 * (seq - 1)
        if place < len(row):
            return row[place : place + 32].hex()
        apart = self._apart.get(case, {}).get(seq)
        return apart.hex() if apart is not None else None

    def count(self, case: str) -> int:
        """Count a chain's entries in the log."""
        apart, row = self._apart.get(case, {}), self._rows.get(case, b"")
        return len(row) // 32 + sum(32 * (seq - 1) >= len(row) for seq in apart)

    def cases(self) -> list[str]:
        """List the chains that the log knows."""
        return list(self._rows)

    def of(self, case: str) -> dict[int, str]:
        """Give a chain's digests by sequence number."""
        row, apart = self._rows.get(case, b""), self._apart.get(case, {})
        found = {seq: late.hex() for seq, late in apart.items()}
        return found | {1 + place // 32: row[place : place + 32].hex() for place in range(0, len(row), 32)}
