"""Which deaths are tried: every one at every boundary, and on the posting path every one after every one."""

from collections.abc import AsyncIterator, Iterator
from itertools import count, islice
from typing import NamedTuple

from tests.crashes.points import EFFECTS, WHENS, Death
from tests.crashes.town import STORIES, Lived, Story, lived
from tests.fakes.erp_server import PERSONALITIES

POSTED = STORIES[0]
FUNDS = "store.create cases/book~funds"


class Tried(NamedTuple):
    """One story with the deaths in it, and what came of it."""

    story: Story
    personality: str
    deaths: tuple[Death, ...]
    at: tuple[str, ...]
    lived: Lived

    @property
    def faults(self) -> list[str]:
        """Say what is wrong with it, each with how to see it again."""
        told = ", then ".join(f"{death.when} {what}" for death, what in zip(self.deaths, self.at, strict=True))
        wrong = [f"{x.invariant} {x.where}: {x.what}" for x in self.lived.found]
        if self.lived.ended != self.story.ends:
            wrong.append(f"ended as {self.lived.ended or 'nothing'}")
        return [f"{self.story.name}, {self.personality}; dies {told or 'never'}: {one}" for one in wrong]


async def tried(story: Story, personality: str, deaths: tuple[Death, ...] = ()) -> Tried:
    """Live a story with some deaths."""
    done = await lived(story, PERSONALITIES[personality], deaths)
    at = tuple(process.changes[death.at - 1] if death.at <= len(process.changes) else "at its end"
               for death, process in zip(deaths, done.processes, strict=False))  # fmt: skip
    return Tried(story, personality, deaths, at, done)


async def singles(story: Story, personality: str, *, every: int = 1) -> AsyncIterator[Tried]:
    """Die once: at every boundary of the story as it goes without a death, or at each *every*-th."""
    yield (straight := await tried(story, personality))
    for death in islice(_deaths(range(1, _changes(straight, 0) + 1)), 0, None, every):
        yield await tried(story, personality, (death,))


async def pairs(personality: str, *, further: bool = False, every: int = 1) -> AsyncIterator[Tried]:
    """Die on the posting path, and whoever takes it up dies on what is left of it; *further*: anywhere after.

    *every*: try each so-manieth pair.
    """
    straight, place = await tried(POSTED, personality), count()
    for first in _deaths(posting_path(straight.lived.processes[0].changes)):
        once = await tried(POSTED, personality, (first,))
        left = once.lived.processes[1].changes
        everywhere = further or once.lived.parked  # what a doubt leaves to do is all posting path
        for second in _deaths(range(1, len(left) + 1) if everywhere else posting_path(left)):
            if next(place) % every == 0:
                yield await tried(POSTED, personality, (first, second))


def posting_path(changes: list[str]) -> range:
    """Find the changes from the one that holds the funds (or the first) to the one that confirms the order."""
    first = next((n for n, what in enumerate(changes, 1) if what.startswith(FUNDS)), 1)
    call = EFFECTS["order"]
    last = changes.index(call) + 2 if call in changes else min(first + 1, len(changes))
    return range(first, last + 1)


def _changes(one: Tried, process: int) -> int:
    return len(one.lived.processes[process].changes)


def _deaths(places: range) -> Iterator[Death]:
    return (Death(place, when) for place in places for when in WHENS)
