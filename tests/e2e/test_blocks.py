"""Prefect blocks instead of the environment: what an admin saved in the dashboard binds the roles."""

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks import connect
from blocks.shells import EvidenceStoreBlock, SlackDeskBlock, TrytonErpBlock
from blocks.wire.cards import said_card
from infrastructure.local.stack.site import BUCKET
from tasks.case import utc_now
from tests.e2e.house import House

BOUND = {
    "ALMONER_STORE": "block:evidence-store/main",
    "ALMONER_ERP": "block:tryton-erp/main",
    "ALMONER_DESK": "block:slack-desk/main",
}
KNOWN_BY_BLOCKS = [
    *("ALMONER_S3_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    *("ALMONER_ERP_URL", "ALMONER_ERP_DATABASE", "ALMONER_ERP_KEY", "ALMONER_SLACK_URL", "SLACK_BOT_TOKEN"),
]


async def saved(env: dict[str, str]) -> None:
    keys = {"access_key_id": env["AWS_ACCESS_KEY_ID"], "secret_access_key": env["AWS_SECRET_ACCESS_KEY"]}
    for block in (
        EvidenceStoreBlock(bucket=BUCKET, endpoint=env["ALMONER_S3_URL"], **keys),
        TrytonErpBlock(url=env["ALMONER_ERP_URL"], key=env["ALMONER_ERP_KEY"]),
        SlackDeskBlock(token=env["SLACK_BOT_TOKEN"], url=env["ALMONER_SLACK_URL"]),
    ):
        await block.save("main", overwrite=True)


async def test_store_erp_and_desk_are_found_through_the_blocks_an_admin_saved(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with temporary_settings({PREFECT_API_URL: house.env["PREFECT_API_URL"]}):
        await saved(house.env)
        for name in KNOWN_BY_BLOCKS:
            monkeypatch.delenv(name)
        for name, address in BOUND.items():
            monkeypatch.setenv(name, address)
        assert (await connect.shelf().in_force(utc_now())).directory.person("sam.lind")
        assert await connect.erp().find_order("nothing-was-ordered-under-this-key") is None
        await connect.desk().tell("U0SAM", said_card("blocks", "told through a block"))
    async with house.desk() as desk:
        assert [one for one in await desk.person("U0SAM").direct_messages() if one.holds("told through a block")]
