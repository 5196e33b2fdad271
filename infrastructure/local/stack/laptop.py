"""The parts of the laptop stack, in data: what runs, what it needs, how one sees that it is well."""

import importlib
import signal
from collections.abc import Callable, Mapping, Sequence

from infrastructure.local.stack import postgres, tools
from infrastructure.local.stack.parts import Part, answers, succeeds
from infrastructure.local.stack.ports import LOOPBACK
from infrastructure.local.stack.site import BUCKET, Site


def module(name: str, *arguments: str, port: str = "") -> Callable[[Site], Sequence[str]]:
    """Make the command that runs a module of ours, with `--port` when it listens."""

    def command(site: Site) -> Sequence[str]:
        listen = ["--port", str(site.ports[port])] if port else []
        return [site.python, "-m", name, *arguments, *listen]

    return command


def _postgres_answers(site: Site) -> Sequence[str]:
    ready = postgres.programs(site.home.path) / "pg_isready"
    return [str(ready), "-q", "-h", LOOPBACK, "-p", str(site.ports["postgres"])]


def _prefect(site: Site) -> Sequence[str]:
    # The application itself rather than `prefect server start`, which imports the whole command line first.
    return [
        *(site.python, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app"),
        *("--host", LOOPBACK, "--port", str(site.ports["prefect"])),
        *("--log-level", "warning", "--no-access-log", "--timeout-graceful-shutdown", "2"),
    ]


def _prefect_environment(site: Site) -> Mapping[str, str]:
    settings = importlib.import_module("infrastructure.prefect_settings").SERVER
    return {**settings, "PREFECT_SERVER_DATABASE_CONNECTION_URL": postgres.url(site)}


def _worker_environment(_site: Site) -> Mapping[str, str]:
    settings: Mapping[str, str] = importlib.import_module("infrastructure.prefect_settings").WORKER
    return settings


def _s3(site: Site) -> Sequence[str]:
    data, ports = site.home.path / "s3", site.ports
    data.mkdir(exist_ok=True)
    # It writes its last command line there and would believe it over a new family of ports.
    (data / "mini.options").unlink(missing_ok=True)
    return [
        *(str(tools.weed(site.home.tools)), "mini", f"-dir={data}", f"-bucket={BUCKET}"),
        # Without -ip.bind it would listen to the whole network.
        *(f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}"),
        *(f"-s3.port={ports['s3']}", f"-s3.port.grpc={ports['s3-grpc']}"),
        *(f"-master.port={ports['s3-master']}", f"-master.port.grpc={ports['s3-master-grpc']}"),
        *(f"-volume.port={ports['s3-volume']}", f"-volume.port.grpc={ports['s3-volume-grpc']}"),
        *(f"-filer.port={ports['s3-filer']}", f"-filer.port.grpc={ports['s3-filer-grpc']}"),
        *(f"-admin.port={ports['s3-admin']}", f"-admin.port.grpc={ports['s3-admin-grpc']}"),
        # What nobody here uses: a table catalogue, a second catalogue, WebDAV, a web page, phoning home.
        *("-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false"),
        *("-master.telemetry=false", "-volume.preStopSeconds=0"),
    ]


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
        _s3,
        needs=("tools",),
        # The bucket's own directory: the S3 door answers before the bucket is made.
        healthy=answers("s3-filer", f"/buckets/{BUCKET}/"),
        title="Object storage (S3)",
        address=lambda site: site.ports.url("s3"),
        ports=tuple(
            f"s3{part}{kind}" for part in ("", "-master", "-volume", "-filer", "-admin") for kind in ("", "-grpc")
        ),
    ),
    Part(
        "prefect",
        _prefect,
        needs=("postgres",),
        healthy=answers("prefect", "/api/health"),
        environment=_prefect_environment,
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
        healthy=answers("erp", "/"),
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
        needs=("s3", "desk", "hospital"),
        healthy=answers("doors", "/health"),
        title="Doors",
        address=lambda site: site.ports.url("doors"),
        ports=("doors",),
    ),
    Part(
        "deployments",
        module("infrastructure.deploy"),
        needs=("prefect", "s3"),
        environment=_worker_environment,
    ),
    Part(
        "worker",
        lambda site: [
            *(site.python, "-m", "infrastructure.worker", "--pool", "warm"),
            *("--bell-port", str(site.ports["bell"])),
        ],
        needs=("prefect", "deployments", "s3", "erp", "desk", "hospital"),
        healthy=answers("bell", "/health"),
        environment=_worker_environment,
        title="Warm worker",
        ports=("bell",),
        grace_s=25,  # it lets the runs that are on finish for 20 s
        renews=75,  # sysexits.h EX_TEMPFAIL: it has grown and wants a fresh process
    ),
)
