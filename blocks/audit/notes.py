"""Verifying writers' notes: of the last moments they tell more than the log. They are signed by nobody."""

from collections.abc import Iterable

from blocks.audit.finding import Finding
from blocks.ledger import entry_key
from blocks.sealing.notes import Head, Notes
from blocks.wire.commitments import Committed


def harmed(notes: Notes) -> list[Finding]:
    """Name the notes that are not as their writers wrote them, and those that are gone."""
    altered = [Finding("log", key, "altered", because) for key, because in notes.altered.items()]
    return altered + [Finding("log", key, "removed", because) for key, because in notes.removed.items()]


def told_otherwise(
    case: str, noted: dict[int, Head], disputed: Iterable[int], committed: Committed | None
) -> list[Finding]:
    """Name the entries of which a note tells another thing than a second note, or than the log.

    What is *disputed* is taken out of *noted*: the chain and the log say which of two notes is true.
    """
    found = list[Finding]()
    for seq in disputed:
        del noted[seq]
        found.append(Finding(case, entry_key(case, seq), "doubled", "notes tell of two entries here: one is false"))
    for seq, head in noted.items() if committed else ():
        if committed and committed.get(case, seq) not in {None, head.digest}:
            because = "its writer noted another one than was sealed: it was replaced at once, or the note is false"
            found.append(Finding(case, entry_key(case, seq), "altered", because))
    return found


def gone(case: str, entries: int, *, sealed: bool) -> Finding:
    """Say of a chain of which nothing is there how one knows that it was."""
    because = f"{entries} entries were logged, none is there"
    if not sealed:
        because = f"{entries} entries were noted, none is there: they were taken away at once, or the note is false"
    return Finding(case, entry_key(case, 1), "removed", because)
