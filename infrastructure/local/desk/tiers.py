"""How often each method may be called: Slack's published tiers for the methods the desk serves."""

from enum import Enum
from typing import Final


class Tier(Enum):
    """A rate: so many calls in so many seconds, of which `burst` may come at once."""

    TIER_1 = ("Tier1", 1, 60.0, 1)
    TIER_2 = ("Tier2", 20, 60.0, 20)
    TIER_3 = ("Tier3", 50, 60.0, 50)
    TIER_4 = ("Tier4", 100, 60.0, 100)
    # One message a second in a channel; Slack tolerates short bursts and promises none.
    POST_MESSAGE = ("SpecialTier_chat_postMessage", 1, 1.0, 3)
    # "Hundreds per minute": a bound that only a loop gone wild will meet.
    AUTH_TEST = ("SpecialTier_auth_test", 600, 60.0, 600)
    PERMALINK = ("SpecialTier_chat_getPermalink", 600, 60.0, 600)

    def __init__(self, slack_name: str, calls: int, seconds: float, burst: int) -> None:
        self.slack_name = slack_name
        self.calls = calls
        self.seconds = seconds
        self.burst = burst


TIERS: Final[dict[str, Tier]] = {
    "apps.connections.open": Tier.TIER_1,
    "auth.test": Tier.AUTH_TEST,
    "chat.delete": Tier.TIER_3,
    "chat.getPermalink": Tier.PERMALINK,
    "chat.postEphemeral": Tier.TIER_4,
    "chat.postMessage": Tier.POST_MESSAGE,
    "chat.update": Tier.TIER_3,
    "conversations.history": Tier.TIER_3,
    "conversations.info": Tier.TIER_3,
    "conversations.list": Tier.TIER_2,
    "conversations.members": Tier.TIER_4,
    "conversations.open": Tier.TIER_3,
    "conversations.replies": Tier.TIER_3,
    "reactions.add": Tier.TIER_3,
    "usergroups.list": Tier.TIER_2,
    "usergroups.users.list": Tier.TIER_2,
    "users.info": Tier.TIER_4,
    "users.list": Tier.TIER_2,
    "users.lookupByEmail": Tier.TIER_3,
    "views.open": Tier.TIER_4,
    "views.publish": Tier.TIER_4,
    "views.push": Tier.TIER_4,
    "views.update": Tier.TIER_4,
}
