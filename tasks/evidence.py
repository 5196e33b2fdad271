"""Evidence: a case opened from the ledger, and what the dashboard and the store are given of it at its end."""

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact  # type: ignore[attr-defined]
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun

from blocks import connect
from blocks.errors import ConflictError
from blocks.ledger import Ledger
from blocks.records.base import Record
from blocks.records.ledger import Line
from blocks.records.outcome import Outcome
from blocks.wire.names import case_of
from blocks.wire.report import case_report, reasons
from tasks.case import Case, utc_now
