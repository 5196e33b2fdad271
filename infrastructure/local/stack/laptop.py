"""The parts of the laptop stack, in data: what runs, what it needs, how one sees that it is well."""

import signal
from collections.abc import Callable, Sequence

from infrastructure.local.stack import postgres, prefect_parts, s3, tools
from infrastructure.local.stack.parts import Part, answers, succeeds
from infrastructure.local.stack.ports import LOOPBACK
from infrastructure.local.stack.site import Site


def module(name: str, *arguments: str, port: str = "") -> Callable[[Site], Sequence[str]]:
    """Make the command that runs a module of ours, with `--port` when it listens."""

    def command(site: Site) -> Sequence[str]:
        listen = ["--port", str(site.ports[port])] if port else []
        return [site.python, "-m", name, *arguments, *listen]

    return command


def _postgres_answers(site: Site) -> Sequence[str]:
    ready = postgres.programs(site.home.path) / "pg_isready"
    return [str(ready), "-q", "-h", LOOPBACK, "-p", str(site.ports["postgres"])]


async def _has_witnessed(site: Site) -> bool:
    return (site.home.path / "witness" / "checkpoint").exists()


LAPTOP: tuple[Part, ...] = (
    Part(
        "tools",
        module("infrastructure.local.stack.tools"),
        done=lambda site: tools.installed(site.home.tools),
        patience_s=600,
    ),
    Part(
        "database",
        module("infrastructure.local.stack.postgres"),
        needs=("tools",),
        done=postgres.ready,
    ),
    Part(
        "postgres",
        postgres.command,
        needs=("database",),
        healthy=succeeds(_postgres_answers),
        account=postgres.account,
        ports=("postgres",),
        stop_signal=signal.SIGINT,  # "fast": roll back and go, without waiting for clients
    ),
    Part(
        "s3",
        s3.command,
        needs=("tools",),
        healthy=s3.healthy,
        title="Object storage (S3)",
        address=lambda site: site.ports.url("s3"),
        ports=tuple(
            f"s3{part}{kind}" for part in ("", "-master", "-volume", "-filer", "-admin") for kind in ("", "-grpc")
        ),
    ),
    Part(
        "log",
        module("infrastructure.sealing"),
        needs=("s3",),
        healthy=s3.holds("log/checkpoint"),
        environment=lambda site: {"ALMONER_LOG_KEY": site.keys.log_key},  # no other part may sign
        title="Ledger's log",
    ),
    Part(
        "witness",
        module("infrastructure.witnessing"),
        needs=("log",),
        healthy=_has_witnessed,
        environment=lambda site: {"ALMONER_WITNESS_KEY": site.keys.witness_key},
        title="Log's witness",
    ),
    Part(
        "prefect",
        prefect_parts.command,
        needs=("postgres",),
        healthy=answers("prefect", "/api/health"),
        environment=prefect_parts.server_environment,
        title="Prefect dashboard",
        address=lambda site: site.ports.url("prefect"),
        ports=("prefect",),
        patience_s=180,
    ),
    Part(
        "erp-database",
        module("infrastructure.local.erp", "prepare"),
        patience_s=600,
    ),
    Part(
        "erp",
        module("infrastructure.local.erp", "serve", port="erp"),
        needs=("erp-database",),
        healthy=answers("erp", "/", method="OPTIONS"),  # its root knows no other
        title="ERP (Tryton)",
        address=lambda site: site.ports.url("erp"),
        ports=("erp",),
    ),
    Part(
        "desk",
        module("infrastructure.local.desk", port="desk"),
        healthy=answers("desk", "/health"),
        title="Slack desk",
        address=lambda site: site.ports.url("desk"),
        ports=("desk",),
    ),
    Part(
        "hospital",
        module("infrastructure.local.hospital"),
        needs=("s3",),
    ),
    Part(
        "doors",
        module("infrastructure.doors", port="doors"),
        needs=("s3", "erp", "desk", "hospital"),  # it asks the ERP, whose key comes with it
        healthy=answers("doors", "/health"),
        title="Doors",
        address=lambda site: site.ports.url("doors"),
        ports=("doors",),
    ),
    Part(
        "deployments",
        module("infrastructure.deploy"),
        needs=("prefect", "s3"),
        environment=prefect_parts.client_environment,
        settled=prefect_parts.settled,
        settle=prefect_parts.settle,
    ),
    Part(
        "worker",
        lambda site: [
            *(site.python, "-m", "infrastructure.worker", "--pool", "warm"),
            *("--bell-port", str(site.ports["bell"])),
        ],
        needs=("prefect", "deployments", "s3", "erp", "desk", "hospital"),
        healthy=answers("bell", "/health"),
        environment=prefect_parts.client_environment,
        title="Warm worker",
        ports=("bell",),
        grace_s=35,  # it lets the runs that are on finish for 20 s, then hands them back
        renews=75,  # sysexits.h EX_TEMPFAIL: it has grown and wants a fresh process
    ),
)
