"""What somebody did in Slack, as the parts of its door hand it on to one another."""

from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple, cast

from blocks import connect
from blocks.records.approval import Posted
from blocks.records.people import Person
from blocks.records.policy import Rulebook
from infrastructure.doors.http import Deed, Response, as_json

if TYPE_CHECKING:
    from blocks.slack import SlackDesk

DOOR = "slack"


class Click(NamedTuple):
    """Who did something in Slack, when, and what Slack says of it."""

    by: Person | None
    slack_user: str
    channel: str
    trigger: str
    rulebook: Rulebook
    at: datetime
    card: Posted | None = None
    at_home: bool = False


def slack_desk() -> "SlackDesk":
    """Open Slack, not before it is needed: its client takes longer to import than a click to judge."""
    return cast("SlackDesk", connect.desk())


def field_errors(errors: dict[str, str], *then: Deed) -> Response:
    """Tell in the form itself what is wrong, by block."""
    return as_json(HTTPStatus.OK, {"response_action": "errors", "errors": errors}, *then)
