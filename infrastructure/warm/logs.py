"""What the dashboard shows of a run's log, and what the terminal shows of the worker's."""

import logging
from typing import get_args

from blocks.records.outcome import Ended

OUR_LOGGERS = ("flows", "tasks", "almoner")
REASONED = frozenset(f"Finished in state {end.capitalize()}" for end in set(get_args(Ended)) - {"filled", "ordered"})
"""The ends that somebody may have given a reason for."""


class WaitingIsNoError(logging.Filter):
    """Let a run that suspended say so in a plain line: Prefect's engine logs it as an error."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record; lower the one line that cries wolf."""
        if record.levelno == logging.ERROR and record.getMessage().startswith(
            ("Finished in state Suspended", "Finished in state AwaitingRetry")
        ):
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


class WordsStayOut(logging.Filter):
    """Let a run that ended for somebody's reason say that it did: why is in the report; typed words are in no log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record; cut the one line that may repeat what was typed."""
        state, _, said = record.getMessage().partition("(")
        if said and state in REASONED:
            record.msg, record.args = state, ()
        return True


def prepare_logging() -> None:
    """Send what flows and tasks log to the run they log it in; call it after importing prefect.

    Prefect connects the loggers named by ``PREFECT_LOGGING_EXTRA_LOGGERS`` to its API, but leaves
    them at the root's level, where their INFO lines would be lost.
    """
    for name in OUR_LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO)
    logger = logging.getLogger("prefect.flow_runs")
    for kind in (WaitingIsNoError, WordsStayOut):
        if not any(isinstance(known, kind) for known in logger.filters):
            logger.addFilter(kind())
