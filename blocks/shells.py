"""Prefect blocks: where an admin keeps addresses and secrets. Each is a thin shell over a client that knows no Prefect.

Register them with `prefect block register -m blocks.shells`, save one in the dashboard, and name it in the
environment of doors and workers: `ALMONER_ERP=block:tryton-erp/main`, `ALMONER_DESK=block:slack-desk/main`.
"""

from typing import Any, cast

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from blocks.ports import Desk, Erp
from blocks.slack import SlackDesk
from blocks.store import S3Store
from blocks.tryton.erp import TrytonErp


class TrytonErpBlock(Block):
    """Stock, contracts, budgets and orders in Tryton."""

    _block_type_name = "Tryton ERP"
    _block_type_slug = "tryton-erp"

    url: str = Field(description="Root of the server, e.g. https://erp.example")
    database: str = Field(default="erp", description="Name of the database.")
    key: SecretStr = Field(description="Application key of the service user.")

    def client(self) -> Erp:
        """Make the client."""
        return TrytonErp(url=self.url, database=self.database, key=self.key.get_secret_value())


class SlackDeskBlock(Block):
    """Cards, threads and messages in Slack."""

    _block_type_name = "Slack desk"
    _block_type_slug = "slack-desk"

    token: SecretStr = Field(description="Bot token, xoxb-…")
    url: str = Field(default="https://slack.com/api/", description="Root of the Web API.")

    def client(self) -> Desk:
        """Make the client."""
        return SlackDesk(self.token.get_secret_value(), url=self.url)


class EvidenceStoreBlock(Block):
    """The bucket that holds the ledger."""

    _block_type_name = "Evidence store"
    _block_type_slug = "evidence-store"

    bucket: str = Field(description="Name of the bucket.")
    prefix: str = Field(default="", description="Where in the bucket the ledger begins.")
    endpoint: str | None = Field(default=None, description="Address of an S3 that is not AWS's.")
    region: str = Field(default="us-east-1", description="Region of the bucket.")
    access_key_id: SecretStr | None = Field(default=None, description="None: the machine's own role.")
    secret_access_key: SecretStr | None = Field(default=None, description="Secret of the access key.")

    def client(self) -> S3Store:
        """Make the client."""
        keys: dict[str, Any] = {}
        if self.access_key_id and self.secret_access_key:
            keys["access_key_id"] = self.access_key_id.get_secret_value()
            keys["secret_access_key"] = self.secret_access_key.get_secret_value()
        return S3Store(self.bucket, prefix=self.prefix, endpoint=self.endpoint, region=self.region, **keys)


def opened(address: str) -> object:
    """Load the block `<slug>/<name>` and make its client, also from within an event loop."""
    block = Block.load(address, _sync=True)  # type: ignore[call-arg]  # Prefect's own switch, absent from its types
    return cast("TrytonErpBlock | SlackDeskBlock | EvidenceStoreBlock", block).client()
