"""A desk that remembers what was posted, drawn, said and told."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from blocks.errors import RefusedError, UnknownError
from blocks.ports import Card
from blocks.records.approval import Posted


@dataclass
class FakeDesk:
    """Messages by channel, as one would see them. `lose_answers` times, a post is made and its answer lost."""

    messages: dict[Posted, Card] = field(default_factory=dict)
    threads: dict[Posted, list[str]] = field(default_factory=dict)
    lose_answers: int = 0

    async def post(self, channel: str, card: Card, *, maybe_posted: bool = False) -> Posted:
        if maybe_posted and (found := self.find(channel, card.key)):
            return found
        posted = Posted(channel=channel, ts=f"{len(self.messages) + 1}.000000")
        self.messages[posted] = card
        if self.lose_answers:
            self.lose_answers -= 1
            if found := self.find(channel, card.key):
                return found
            raise UnknownError("desk", "the answer was lost")
        return posted

    async def redraw(self, posted: Posted, card: Card) -> None:
        if posted not in self.messages:
            raise RefusedError("desk", "message_not_found")
        self.messages[posted] = card

    async def say(self, posted: Posted, text: str) -> None:
        self.threads.setdefault(posted, []).append(text)

    async def tell(self, slack_user: str, card: Card, *, maybe_posted: bool = False) -> Posted:
        return await self.post(slack_user, card, maybe_posted=maybe_posted)

    async def key_of(self, posted: Posted) -> str | None:
        return self.messages[posted].key if posted in self.messages else None

    def find(self, channel: str, key: str) -> Posted | None:
        return next((p for p, card in self.messages.items() if p.channel == channel and card.key == key), None)

    def cards(self, channel: str) -> Iterator[Card]:
        return (card for posted, card in self.messages.items() if posted.channel == channel)
