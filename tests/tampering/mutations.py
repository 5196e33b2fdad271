"""The ways to tamper with a ledger. Each says what it changes, and by what names it must be found."""

from collections.abc import Callable, Collection
from random import Random
from types import MappingProxyType
from typing import NamedTuple

from blocks.ledger import entry_key
from blocks.records.ledger import Entry, Line
from blocks.sealing.log import CHECKPOINT, PREFIX
from blocks.sealing.sealer import LOCK
from blocks.sealing.witness import SEEN
from blocks.wire.tiles import Edge as Tree
from blocks.wire.tiles import bundled, grown, tiles_of
from tests.tampering.ledger import Kept, line, linked
from tests.tampering.places import IN_WITNESS, Files


class Mutation(NamedTuple):
    """What is written (None: taken away), and the places of which one must be named."""

    files: Files
    named: set[str]
    done: Collection[str] = ()
    """Where it is said: the words of which one must say what was done there."""
    then: Files = MappingProxyType({})
    """What is written after that."""
    harmless: bool = False
    """Whether readers are shown what was written, so that nothing must be found."""


Way = Callable[[Kept, Random], Mutation]


def flip(kept: Kept, random: Random) -> Mutation:
    """One bit of one file is another."""
    key = random.choice(kept.evidence)
    data = bytearray(kept.files[key])
    at = random.randrange(len(data))
    data[at] ^= 1 << random.randrange(8)
    return Mutation({key: bytes(data)}, {key, *_entries_of(kept, key)})


def delete(kept: Kept, random: Random) -> Mutation:
    """One file is gone."""
    key = random.choice(kept.evidence)
    return Mutation({key: None}, {key, *_entries_of(kept, key)})


def truncate(kept: Kept, random: Random) -> Mutation:
    """One file is cut short, or a chain loses its end."""
    if random.random() < 0.5:
        key = random.choice(kept.evidence)
        data = kept.files[key][: random.randrange(len(kept.files[key]))]
        return Mutation({key: data}, {key, *_entries_of(kept, key)})
    case, texts = _chain(kept, random)
    left = random.randrange(len(texts))
    gone = {entry_key(case, seq): None for seq in range(left + 1, len(texts) + 1)}
    return Mutation(dict(gone), {entry_key(case, left + 1)})


def insert(kept: Kept, random: Random) -> Mutation:
    """A forged entry stands in a chain; those after it are moved on, and linked anew or not."""
    case, texts = _chain(kept, random)
    entries = [Entry.model_validate_json(text) for text in texts]
    place = random.randint(1, len(texts) + 1)
    forged = [
        *entries[: place - 1],
        Entry(case=case, seq=place, prev="", lines=(forged_line(kept),)),
        *entries[place - 1 :],
    ]
    new = linked(case, forged)
    if random.random() < 0.5:
        new[place:] = texts[place - 1 :]
    return Mutation(_as_files(case, new), {entry_key(case, place)})


def reorder(kept: Kept, random: Random) -> Mutation:
    """Two entries of a chain, or of the log, change places."""
    case, texts = _chain(kept, random)
    if random.random() < 0.5 and len(texts) > 1:
        one, other = sorted(random.sample(range(1, len(texts) + 1), 2))
        new = {entry_key(case, one): texts[other - 1], entry_key(case, other): texts[one - 1]}
        return Mutation(dict(new), {entry_key(case, one)})
    leaves, (one, other) = list(kept.leaves), sorted(random.sample(range(len(kept.leaves)), 2))
    leaves[one], leaves[other] = leaves[other], leaves[one]
    return _logged(kept, leaves, {one, other}, random)


def forge(kept: Kept, random: Random) -> Mutation:
    """A newer version lies over an entry, well formed; those after it are linked anew or not."""
    case, texts = _chain(kept, random)
    place = random.randint(1, len(texts))
    entries = [Entry.model_validate_json(text) for text in texts]
    entries[place - 1] = entries[place - 1].model_copy(update={"lines": (forged_line(kept),)})
    new = linked(case, entries)
    if random.random() < 0.5:
        new[place:] = texts[place:]
    return Mutation(_as_files(case, new), {entry_key(case, place)})


def relog(kept: Kept, random: Random) -> Mutation:
    """An entry of the log is altered, dropped or doubled, in its bundle alone or in the tiles too, without the key."""
    leaves, place = list(kept.leaves), random.randrange(len(kept.leaves))
    what = random.randrange(3)
    if what == 0:
        leaves[place] = kept.commitment(place)._replace(digest=f"{random.getrandbits(256):064x}").data
    elif what == 1:
        del leaves[place]
    else:
        leaves.insert(place, leaves[place])
    return _logged(kept, leaves, {place}, random)


def remove_case(kept: Kept, random: Random) -> Mutation:
    """A whole case is gone, as if it had never been."""
    case, texts = _chain(kept, random)
    return Mutation({entry_key(case, seq): None for seq in range(1, len(texts) + 1)}, {entry_key(case, 1)})


def replay(kept: Kept, random: Random) -> Mutation:
    """An old head stands where the last one was, in the lock too or not."""
    old = random.choice(kept.heads[:-1])
    files: dict[str, bytes | None] = {CHECKPOINT: old}
    if random.random() < 0.5:
        files[LOCK] = old
    return Mutation(files, {CHECKPOINT})


def rewrite(kept: Kept, random: Random) -> Mutation:
    """History is rewritten with the log's own stolen key: chain, log, tiles, head and lock all agree."""
    case, texts = _chain(kept, random)
    place = random.randint(1, len(texts))
    entries = [Entry.model_validate_json(text) for text in texts]
    if random.random() < 0.3:
        new = texts[: place - 1]  # from here on nothing ever happened
    else:
        entries[place - 1] = entries[place - 1].model_copy(update={"lines": (forged_line(kept),)})
        new = linked(case, entries)
    files = _as_files(case, new)
    files |= {entry_key(case, seq): None for seq in range(len(new) + 1, len(texts) + 1)}
    files |= kept.relogged({**kept.chains, case: new})
    # What the witness holds in the place of the first entry that differs is another; what now stands there is named.
    first = next(i for i in range(kept.size) if (kept.commitment(i).case, kept.commitment(i).seq) == (case, place))
    after = {entry_key(*kept.commitment(i)[1:3]) for i in range(first, kept.size)}
    return Mutation(files, {entry_key(case, place), CHECKPOINT} | (after if len(new) < place else set()))


def rewrite_both(kept: Kept, random: Random) -> Mutation:
    """History is rewritten with the stolen key, and the witness's hashes are taken away or made to agree."""
    files = dict(rewrite(kept, random).files)
    agrees = random.random() < 0.5
    for key in _witness_tiles(kept):
        files[key] = files.get(key.replace(IN_WITNESS, PREFIX)) if agrees else None
    return Mutation(files, {CHECKPOINT})


def harm_witness(kept: Kept, random: Random) -> Mutation:
    """Of the witness's own memory a tile is gone, cut short, or holds another hash."""
    key = random.choice(_witness_tiles(kept))
    data, what = kept.files[key], random.randrange(3)
    if what == 0:
        return Mutation({key: None}, {key})
    at = random.randrange(len(data))
    return Mutation({key: data[:at] if what == 1 else data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]}, {key})


def still_witness(kept: Kept, random: Random) -> Mutation:
    """The witness's head is gone, or an old one stands in its place, as if it had stood still since."""
    if random.random() < 0.3:
        return Mutation({f"{IN_WITNESS}{SEEN}": None}, {f"{IN_WITNESS}{SEEN}"})
    return Mutation({f"{IN_WITNESS}{SEEN}": random.choice(kept.seen[:-1])}, {CHECKPOINT}, {"unwitnessed"})


MUTATIONS: dict[str, Way] = {
    one.__name__: one
    for one in (
        *(flip, delete, truncate, insert, reorder, forge, relog, remove_case, replay, rewrite),
        *(rewrite_both, harm_witness, still_witness),
    )
}


def forged_line(kept: Kept) -> Line:
    """One act that never was."""
    return line(99, None, kept.began)


def _witness_tiles(kept: Kept) -> list[str]:
    """List the tiles that the last head which the witness cosigned needs."""
    size = int(kept.seen[-1].split(b"\n")[1])
    return [f"{IN_WITNESS}{tile.path}" for tile in tiles_of(size, 0)]


def _chain(kept: Kept, random: Random) -> tuple[str, list[bytes]]:
    return random.choice(list(kept.chains.items()))


def _as_files(case: str, texts: list[bytes]) -> dict[str, bytes | None]:
    return {entry_key(case, seq): text for seq, text in enumerate(texts, 1)}


def _logged(kept: Kept, leaves: list[bytes], places: set[int], random: Random) -> Mutation:
    """Write other entries into the log, under the head that was signed, with tiles that fit them or not."""
    files = dict[str, bytes | None]()
    fit = random.random() < 0.5
    _, hashed = grown(Tree(), leaves[: kept.size] + leaves[kept.size :][:0])
    for tile in tiles_of(kept.size, None):
        files[PREFIX + tile.path] = bundled(leaves[tile.number * 256 : tile.number * 256 + tile.width])
    if fit:
        files |= {PREFIX + path: data for path, data in hashed.items() if PREFIX + path in kept.files}
    named = {entry_key(*kept.commitment(place)[1:3]) for place in places if place < kept.size}
    bundles = {PREFIX + tile.path for tile in tiles_of(kept.size, None)}
    return Mutation(files, named | (bundles if len(leaves) < kept.size else set()))


def _entries_of(kept: Kept, key: str) -> set[str]:
    """Name the entries that a tile or bundle of the log holds: to name one of them is to name it."""
    held = [tile for tile in tiles_of(kept.size, None) if PREFIX + tile.path.replace("entries", "0") == key]
    held += [tile for tile in tiles_of(kept.size, None) if PREFIX + tile.path == key]
    return {
        entry_key(*kept.commitment(place)[1:3])
        for tile in held
        for place in range(tile.number * 256, tile.number * 256 + tile.width)
    }
