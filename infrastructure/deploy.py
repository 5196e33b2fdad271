"""Register what prefect.yaml says with the Prefect server: `python -m infrastructure.deploy`.

The same file that `prefect deploy --all` reads, registered in one go and within a second or two.
"""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from prefect import Flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.utilities.importtools import import_object

from infrastructure.ending import run_and_leave
from infrastructure.warm.worker import WarmWorker

PREFECT_YAML = Path(__file__).parent.parent / "prefect.yaml"


async def deploy_all(client: PrefectClient) -> list[str]:
    """Register every deployment; return their names. Registering again changes nothing but what changed."""
    wanted = yaml.safe_load(PREFECT_YAML.read_text())
    pools = {one["work_pool"]["name"] for one in wanted["deployments"]}
    await asyncio.gather(*(_ensure_pool(pool, client) for pool in pools))
    return [await _deploy(one, client) for one in wanted["deployments"]]


async def _ensure_pool(name: str, client: PrefectClient) -> None:
    template = WarmWorker.get_default_base_job_template()
    pool = WorkPoolCreate(name=name, type=WarmWorker.type, base_job_template=template)
    await client.create_work_pool(pool, overwrite=True)


async def _deploy(wanted: dict[str, Any], client: PrefectClient) -> str:
    process = import_object(wanted["entrypoint"])
    if not isinstance(process, Flow):
        message = f"{wanted['entrypoint']} is not a process: check prefect.yaml"
        raise TypeError(message)
    flow_id: UUID = await client.create_flow(process)
    await client.create_deployment(
        flow_id,
        wanted["name"],
        description=wanted.get("description", ""),
        tags=wanted.get("tags", []),
        entrypoint=wanted["entrypoint"],
        work_pool_name=wanted["work_pool"]["name"],
        parameter_openapi_schema=process.parameters.model_dump(),
        pull_steps=[],
        schedules=[_schedule(one) for one in wanted.get("schedules", [])],
        enforce_parameter_schema=True,
    )
    return f"{process.name}/{wanted['name']}"


def _schedule(wanted: dict[str, Any]) -> DeploymentScheduleCreate:
    every = timedelta(seconds=wanted["interval"])
    return DeploymentScheduleCreate(schedule=IntervalSchedule(interval=every))


async def main() -> None:
    """Register, and say what."""
    async with get_client() as client:
        print("\n".join(await deploy_all(client)))


if __name__ == "__main__":
    run_and_leave(lambda: asyncio.run(main()))
