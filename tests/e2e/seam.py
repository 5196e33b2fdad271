"""A seam in front of the ERP: passes everything on, and lets a test act at one moment of one request."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

Moment = Literal["before", "after"]
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


class Fault(NamedTuple):
    """What to do once, when a matching request is about to go to the ERP, or has just been answered by it."""

    request: str  # a regular expression over "POST /erp/rest/model/…"
    moment: Moment
    deed: Callable[[], None]


@dataclass
class Seam:
    """The proxy; `armed` holds the one fault to come, `seen` what it met."""

    address: str
    armed: Fault | None = None
    seen: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, request: str, moment: Moment, deed: Callable[[], None]) -> None:
        """Do *deed* once, at the next such moment; its request is then never answered."""
        self.armed = Fault(request, moment, deed)

    def strikes(self, request: str, moment: Moment) -> bool:
        """Act if this is the moment, and say whether it was."""
        with self.lock:
            fault = self.armed
            if fault is None or fault.moment != moment or not re.search(fault.request, request):
                return False
            self.armed = None
            self.seen.append(f"{moment} {request}")
        fault.deed()
        return True


@contextmanager
def seam_before(erp_port: int) -> Iterator[Seam]:
    """Listen on a free port, and pass on to the ERP's."""
    seam = Seam("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            request = f"{self.command} {urlsplit(self.path).path}"
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if seam.strikes(request, "before"):
                self.close_connection = True
                return
            erp = HTTPConnection("127.0.0.1", erp_port, timeout=60)
            try:
                erp.request(self.command, self.path, body, dict(self.headers))
                answer = erp.getresponse()
                content = answer.read()
            except OSError:
                self.close_connection = True
                return
            finally:
                erp.close()
            if seam.strikes(request, "after"):
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = pass_on  # noqa: N815 -- the library's names

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A worker that was killed hangs up in the middle of things: that is the test."""

    with Server(("127.0.0.1", 0), Handler) as server:
        seam.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, name="seam", daemon=True)
        thread.start()
        try:
            yield seam
        finally:
            server.shutdown()
            thread.join()
