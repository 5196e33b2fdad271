"""SeaweedFS as S3: its command line, how one sees that it can really be read and written, and the ledger's bucket."""

import asyncio
import http.client
from collections.abc import Sequence
from pathlib import Path

from infrastructure.local.stack import tools
from infrastructure.local.stack.parts import Health
from infrastructure.local.stack.ports import LOOPBACK, OFFSETS, Ports, elsewhere
from infrastructure.local.stack.site import BUCKET, Site
from infrastructure.local.stack.trouble import StackError

PROBED = "health"
"""A bucket beside the evidence, whose probe is written over at each start: under lock each would stay for years."""
_PROBE = f"/{PROBED}/started"
_REGION = "us-east-1"
_TIMEOUT_S = 5.0
_SOCKETS = Path("/tmp")  # noqa: S108 -- SeaweedFS's choice
_INLINE_MAX = 65536


def command(site: Site) -> Sequence[str]:
    """Write the server's command line; its keys are in the environment. StackError where it could not start."""
    data, ports = site.home.path / "s3", site.ports
    _clear_sockets(ports)
    data.mkdir(exist_ok=True)
    # It writes its last command line there and would believe it over a new family of ports.
    (data / "mini.options").unlink(missing_ok=True)
    return [
        *(str(tools.weed(site.home.tools)), "mini", f"-dir={data}", f"-bucket={PROBED}"),
        # Without -ip.bind it would listen to the whole network.
        *(f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}"),
        *(f"-s3.port={ports['s3']}", f"-s3.port.grpc={ports['s3-grpc']}"),
        *(f"-master.port={ports['s3-master']}", f"-master.port.grpc={ports['s3-master-grpc']}"),
        *(f"-volume.port={ports['s3-volume']}", f"-volume.port.grpc={ports['s3-volume-grpc']}"),
        *(f"-filer.port={ports['s3-filer']}", f"-filer.port.grpc={ports['s3-filer-grpc']}"),
        # Entries are small: beside their names they cost a third less to write than on a volume.
        f"-filer.saveToFilerLimit={_INLINE_MAX}",
        *(f"-admin.port={ports['s3-admin']}", f"-admin.port.grpc={ports['s3-admin-grpc']}"),
        # What nobody here uses: a table catalogue, a second catalogue, WebDAV, a web page, phoning home.
        *("-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false"),
        *("-master.telemetry=false", "-volume.preStopSeconds=0"),
    ]


def _clear_sockets(ports: Ports) -> None:
    # It leaves them in /tmp under their ports, and does not start over those of another user.
    for name in (name for name in OFFSETS if name.startswith("s3")):
        for left in _SOCKETS.glob(f"seaweedfs-*-{ports[name]}.sock"):
            try:
                left.unlink(missing_ok=True)
            except OSError:
                raise StackError(
                    f"{left} is left from another user's stack on the same ports.",
                    f"Move the whole family: export ALMONER_PORT_BASE={elsewhere(ports)}, then start again.",
                ) from None


async def healthy(site: Site) -> bool:
    """Whether an object of the last start can be read, written anew, and read again, and the ledger's bucket stands.

    Its door answers, and even lists the bucket, a moment before the volumes behind it have reported; an object
    asked for in that moment is an internal error.
    """
    if not await asyncio.to_thread(_round_trip, site):
        return False
    if not await asyncio.to_thread(_keeps, site):
        await _make_bucket(site)
    return True


def _keeps(site: Site) -> bool:
    """Whether the ledger's bucket is there and keeps what is written to it: whoever made it may have died half-way."""
    status, said = _told(site, "GET", path=f"/{BUCKET}?object-lock=")
    return status == http.HTTPStatus.OK and b"<Mode>COMPLIANCE</Mode>" in said


async def _make_bucket(site: Site) -> None:
    """Make the ledger's bucket under Object Lock, for as long as the longest rule asks: it can be had then or never.

    One that an earlier laptop made without a lock goes on without: upkeep and `almoner ledger verify` say so.
    """
    from blocks.errors import RefusedError
    from blocks.records.retention import KEEPING
    from blocks.retention import Lock, LockedBucket
    from blocks.where import Where
    from tasks.rules.retention import days_kept

    keys = site.keys
    where = Where(BUCKET, "", site.ports.url("s3"), _REGION, keys.s3_access_key, keys.s3_secret_key)
    bucket = LockedBucket(where.client(), BUCKET)
    try:
        await bucket.make(Lock(days_kept(KEEPING)))
    except RefusedError:
        if await bucket.lock() is not None:
            raise


def holds(key: str) -> Health:
    """Healthy when the ledger's bucket holds an object: what a part writes first when it has come up."""

    async def healthy(site: Site) -> bool:
        return await asyncio.to_thread(_ask, site, "GET", path=f"/{BUCKET}/{key}") == http.HTTPStatus.OK

    return healthy


def _round_trip(site: Site) -> bool:
    found = _ask(site, "GET")
    if found not in {http.HTTPStatus.OK, http.HTTPStatus.NOT_FOUND}:
        return False
    return _ask(site, "PUT", b"well") == http.HTTPStatus.OK and _ask(site, "GET") == http.HTTPStatus.OK


def _ask(site: Site, method: str, body: bytes = b"", path: str = _PROBE) -> int:
    return _told(site, method, body, path)[0]


def _told(site: Site, method: str, body: bytes = b"", path: str = _PROBE) -> tuple[int, bytes]:
    # Signing is all that is wanted of botocore here: it is there in a tenth of a second, a client in half of one.
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest(method, site.ports.url("s3") + path, data=body)
    keys = Credentials(site.keys.s3_access_key, site.keys.s3_secret_key)
    S3SigV4Auth(keys, "s3", _REGION).add_auth(request)
    connection = http.client.HTTPConnection(LOOPBACK, site.ports["s3"], timeout=_TIMEOUT_S)
    try:
        connection.request(method, path, body, dict(request.headers.items()))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()
