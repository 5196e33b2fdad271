"""Group: when many cases wake at once, one run carries them all."""

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from blocks.bell import ring
from tasks.durable import upkeep
from tasks.groups import carry_all, summary
from tasks.upkeep.settling import keep_results, publish_group, put_to_sleep, settle


@upkeep
async def group(cases: list[str]) -> str:
    """Carry many cases at once, each as far as it goes.

    1. Each case goes through its own process, straight over the ledger.
    2. Progress and a table of outcomes are shown as artifacts of this run.
    3. The cases' own runs are brought to what the ledger knows: settled, or suspended with whom they wait for;
       the bell is rung for what somebody decided just then.
    4. The result of each case that ended is kept: upkeep wakes a case that has none, should this run fail.
    """
    progress = await acreate_progress_artifact(0.0, description=f"{len(cases)} cases")

    async def tell(done: int, of: int) -> None:
        await aupdate_progress_artifact(progress, progress=100.0 * done / max(of, 1))

    carried = await carry_all(cases, tell)
    await publish_group(str(flow_run.id), carried)
    async with get_client() as client:
        await settle(carried, client)
        await ring(await put_to_sleep(carried, client))
    await keep_results(carried)
    return summary(carried)
