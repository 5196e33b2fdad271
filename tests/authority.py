"""A time-stamp authority of ours: `openssl ts -reply` behind a small HTTP server on loopback, with real answers."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.needs import openssl

DAY = timedelta(days=1)
ANSWER = "application/timestamp-reply"
CONFIG = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
certs = {folder}/chain.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
accuracy = secs:1
"""


@dataclass
class Authority:
    """A root, an intermediate, and who stamps: valid from and until so many days from now; `roots` is what to trust."""

    folder: Path
    name: str = "Clock & Sons"
    valid: tuple[float, float] = (-10, 365)
    asked: list[bytes] = field(default_factory=list)
    url: str = ""
    answers: Callable[[bytes], tuple[int, bytes]] | None = None
    """What is answered instead of the truth."""
    turn: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        now = datetime.now(UTC)
        long = (now - 4000 * DAY, now + 4000 * DAY)
        root, root_key = _certified(f"{self.name} Root", None, long, authority=True)
        middle, middle_key = _certified(f"{self.name} Issuing", (root, root_key), long, authority=True)
        first, last = self.valid
        leaf, key = _certified(self.name, (middle, middle_key), (now + first * DAY, now + last * DAY), authority=False)
        pem = {"roots.pem": root, "chain.pem": middle, "tsa.pem": leaf}
        for file, certificate in pem.items():
            (self.folder / file).write_bytes(certificate.public_bytes(Encoding.PEM))
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / "tsa.key").write_bytes(secret)
        (self.folder / "openssl.conf").write_text(CONFIG.format(folder=self.folder))
        (self.folder / "serial").write_text("01")

    @property
    def roots(self) -> Path:
        return self.folder / "roots.pem"

    def answer(self, query: bytes) -> bytes:
        """Stamp, as OpenSSL does."""
        command = [openssl(), "ts", "-reply", "-config", "openssl.conf", "-queryfile", "query", "-out", "reply"]
        with self.turn:
            (self.folder / "query").write_bytes(query)
            subprocess.run(command, cwd=self.folder, check=True, capture_output=True)  # noqa: S603
            return (self.folder / "reply").read_bytes()

    @contextmanager
    def open(self) -> Iterator["Authority"]:
        """Answer on loopback."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}/tsa"
        try:
            yield self
        finally:
            server.shutdown()
            serving.join()
            server.server_close()


def _handler(authority: Authority) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            authority.asked.append(query)
            status, body = authority.answers(query) if authority.answers else (200, authority.answer(query))
            self.send_response(status)
            self.send_header("Content-Type", ANSWER)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _certified(
    name: str,
    issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None,
    valid: tuple[datetime, datetime],
    *,
    authority: bool,
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by, signs = (issuer[0].subject, issuer[1]) if issuer else (subject, key)
    made = x509.CertificateBuilder(by, subject, key.public_key(), x509.random_serial_number(), *valid)
    made = made.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    made = made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signs.public_key()), critical=False)
    if authority:
        may = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "encipher_only", "decipher_only"), False)  # fmt: skip
        made = made.add_extension(x509.KeyUsage(**may, key_cert_sign=True, crl_sign=True), critical=True)
    else:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return made.sign(signs, hashes.SHA256()), key
