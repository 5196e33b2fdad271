"""The desk itself: one workspace, put together from its parts."""

from infrastructure.local.desk.clock import MessageClock
from infrastructure.local.desk.conversations import Conversations
from infrastructure.local.desk.delivery import Delivery
from infrastructure.local.desk.directory import read_directory
from infrastructure.local.desk.faults import Faults
from infrastructure.local.desk.limiter import Limiter
from infrastructure.local.desk.live import Live
from infrastructure.local.desk.messages import Messages, newest_ts
from infrastructure.local.desk.response_urls import ResponseUrls
from infrastructure.local.desk.settings import DeskSettings
from infrastructure.local.desk.shapes import Json, SlackError
from infrastructure.local.desk.store import Store
from infrastructure.local.desk.triggers import Triggers
from infrastructure.local.desk.views import Views


class Desk:
    """One workspace with one app installed. `close` ends its streams and closes its file."""

    def __init__(self, settings: DeskSettings) -> None:
        now = settings.now
        self.settings = settings
        self.directory = read_directory(settings.people)
        self.store = Store(settings.home)
        self.conversations = Conversations(self.store, self.directory, int(now()))
        clock = MessageClock(now, newest_ts(self.store))
        self.messages = Messages(self.store, self.directory, clock)
        self.views = Views(self.store, self.directory)
        self.triggers = Triggers(now, self.directory.team.id)
        self.response_urls = ResponseUrls(self.store, now)
        self.limiter = Limiter(now, settings.rate_factor)
        self.faults = Faults()
        self.live = Live()
        self.delivery = Delivery(settings)

    def conversation(self, channel: str) -> Json:
        """Find a conversation or raise SlackError `channel_not_found`."""
        found = self.conversations.get(channel)
        if found is None:
            raise SlackError("channel_not_found")
        return found

    async def close(self) -> None:
        """Stop what is under way and close the file."""
        self.live.close()
        await self.delivery.close()
        self.store.close()
