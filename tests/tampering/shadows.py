"""The ways to put something over what a bucket keeps the versions of. Nothing is lost; something else is shown.

What was done is named too: a place over which something lies is *shadowed*, a head over a later one *replayed*.
"""

from random import Random

from blocks.sealing.log import CHECKPOINT
from blocks.sealing.sealer import LOCK
from blocks.sealing.witness import SEEN
from tests.tampering.ledger import Kept
from tests.tampering.mutations import (
    Mutation,
    Way,
    flip,
    forge,
    insert,
    relog,
    remove_case,
    reorder,
    replay,
    rewrite,
    truncate,
)
from tests.tampering.places import IN_WITNESS


def shadow(kept: Kept, random: Random) -> Mutation:
    """Newer versions lie over an entry, a document, a tile, a head: a bit, other entries, a whole log."""
    way = random.choice((flip, flip, truncate, insert, reorder, forge, relog, rewrite))
    return _over(kept, way(kept, random))


def hide(kept: Kept, random: Random) -> Mutation:
    """A delete marker lies over an entry, a document, a tile, a head, or over a whole case."""
    if random.random() < 0.2:
        return _over(kept, remove_case(kept, random))
    key = random.choice([*kept.evidence, CHECKPOINT, LOCK])
    return Mutation({key: None}, {key}, {"shadowed"})


def roll_back(kept: Kept, random: Random) -> Mutation:
    """An old head is put back on top, of the log's or of both; and what the witness saw since, or not."""
    mutation = replay(kept, random)
    if random.random() < 0.5:
        old = kept.seen[kept.heads.index(mutation.files[CHECKPOINT] or b"")]
        files = {**mutation.files, IN_WITNESS + SEEN: old}
        return Mutation(files, {CHECKPOINT, IN_WITNESS + SEEN}, {"replayed"})
    return mutation._replace(done={"replayed"})


def blind(kept: Kept, random: Random) -> Mutation:
    """What the witness holds is hidden, or another version lies over it: its head, or the hashes it has seen."""
    key = random.choice([key for key in kept.files if key.startswith(IN_WITNESS)])
    what = random.randrange(3) if key == IN_WITNESS + SEEN else random.randrange(2)
    if what == 2:
        return Mutation({key: random.choice(kept.seen[:-1])}, {key}, {"replayed"})
    data = bytearray(kept.files[key])
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return Mutation({key: bytes(data) if what else None}, {key}, {"shadowed"})


def same(kept: Kept, random: Random) -> Mutation:
    """The same bytes are put over something again: readers are shown what was written, so there is nothing to find."""
    keys = random.sample(sorted(kept.files), random.randint(1, 3))
    return Mutation({key: kept.files[key] for key in keys}, set(), harmless=True)


def put_back(kept: Kept, random: Random) -> Mutation:
    """Something was put over an entry, or hid it, and later its first bytes were put on top: it reads as it was."""
    key = random.choice([one for one in kept.files if one.startswith(("cases/", "objects/"))])
    return Mutation({key: random.choice([None, b"{}"])}, set(), then={key: kept.files[key]}, harmless=True)


SHADOWS: dict[str, Way] = {one.__name__: one for one in (shadow, hide, roll_back, blind, same, put_back)}


def _over(kept: Kept, mutation: Mutation) -> Mutation:
    """Say what is to be named where there was something to put a version over; where there was not, it is new."""
    under = {key for key, data in mutation.files.items() if kept.files.get(key, data) != data}
    return mutation._replace(done={"shadowed", "replayed"} if under & mutation.named else set())
