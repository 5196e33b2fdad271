"""A time-stamp authority (RFC 3161): somebody whose business is the time signs a digest, and when it was shown to them.

It sees thirty-two bytes, and nothing of the ledger. What it answers is kept as it came, and judged by the certificates
that whoever judges trusts.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple, Self

import httpx
from cryptography.x509 import Certificate, ObjectIdentifier, load_der_x509_certificate, load_pem_x509_certificates
from cryptography.x509.oid import NameOID
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from blocks.errors import RefusedError, UnavailableError, UnreadableError
from blocks.wire.der import with_sorted_certificates

SYSTEM = "time-stamp authority"
QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"
SHA256 = ObjectIdentifier("2.16.840.1.101.3.4.2.1")
GRANTED, SERVER_FAULTS, TOO_MANY = 0, 500, 429
TIMEOUT_S = 10.0
ANSWER_MAX = 64 * 1024
"""Bytes. An answer with its certificates takes two to eight thousand."""
SAID_MAX = 200


class Roots(NamedTuple):
    """Whom one trusts to say what time it was: their certificates, and the PEM they were read from."""

    pem: bytes
    certificates: tuple[Certificate, ...]

    @classmethod
    def read(cls, pem: bytes) -> Self:
        """Read certificates in PEM; `UnreadableError` where there is none."""
        try:
            return cls(pem, tuple(load_pem_x509_certificates(pem)))
        except ValueError as error:
            raise UnreadableError(SYSTEM, f"its roots are no certificates in PEM ({error})") from error


class Stamp(NamedTuple):
    """What an authority said: of which digest (SHA-256), when, and who signed, by their certificate's common name."""

    imprint: bytes
    at: datetime
    by: str


@dataclass(frozen=True)
class Authority:
    """An authority at an address. With *roots*, what they do not vouch for is not taken."""

    url: str
    roots: Roots | None = None
    timeout_s: float = TIMEOUT_S

    async def stamp(self, data: bytes) -> bytes:
        """Have *data* stamped, of which it sees the digest; return its answer (DER), good for what was asked.

        `UnavailableError` where it does not answer, `RefusedError` where it says no, `UnreadableError` where what it
        answers is no stamp of this, or not for this question.
        """
        asked = TimestampRequestBuilder(data=data, hash_algorithm=HashAlgorithm.SHA256).build()
        answer = await self._ask(asked.as_bytes())
        found = _decoded(answer)
        if found is None:
            raise UnreadableError(SYSTEM, "what it answered is no answer of RFC 3161")
        if found.status != GRANTED:
            raise RefusedError(SYSTEM, f"it gave none: status {found.status} {' '.join(found.status_string)}".strip())
        if reason := reason_not_of(found, data):
            raise UnreadableError(SYSTEM, reason)
        if found.tst_info.nonce != asked.nonce:
            raise UnreadableError(SYSTEM, "its answer is to another question: the nonce differs")
        if self.roots and (reason := reason_not_signed(found, data, self.roots)):
            raise UnreadableError(SYSTEM, reason)
        return answer

    async def _ask(self, query: bytes) -> bytes:
        headers = {"Content-Type": QUERY, "Accept": REPLY}
        try:
            async with httpx.AsyncClient(timeout=self.timeout_s) as client:
                answer = await client.post(self.url, content=query, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnavailableError(SYSTEM, f"it does not answer ({type(error).__name__})") from error
        if answer.status_code >= SERVER_FAULTS or answer.status_code == TOO_MANY:
            raise UnavailableError(SYSTEM, f"it answered {answer.status_code}")
        if not answer.is_success:
            raise RefusedError(SYSTEM, f"it answered {answer.status_code}: check ALMONER_TSA_URL")
        if len(answer.content) > ANSWER_MAX:
            raise UnreadableError(SYSTEM, f"its answer has {len(answer.content):,} bytes: more than a stamp ever has")
        return answer.content


def read_stamp(answer: bytes) -> Stamp | None:
    """Read what an answer says, or None where it is no stamp. Who signed is believed by `reason_not_signed` alone."""
    found = _decoded(answer)
    if found is None or found.status != GRANTED:
        return None
    try:
        said = found.tst_info
        return Stamp(said.message_imprint.message, said.gen_time.astimezone(UTC), _signer(found))
    except (ValueError, OverflowError):
        return None


def reason_not_believed(answer: bytes, data: bytes, roots: Roots | None) -> str | None:
    """Say why an answer does not prove that *data* was there at the time it says; None where it does.

    Without roots it is not asked who signed.
    """
    found = _decoded(answer)
    if found is None or found.status != GRANTED:
        return "it is no stamp of RFC 3161"
    return reason_not_of(found, data) or (reason_not_signed(found, data, roots) if roots else None)


def reason_not_of(found: TimeStampResponse, data: bytes) -> str | None:
    """Say that it stamps something else, or None."""
    try:
        imprint = found.tst_info.message_imprint
    except ValueError:
        return "it holds no stamp"
    same = imprint.hash_algorithm == SHA256 and imprint.message == sha256(data).digest()
    return None if same else "it stamps something else: the imprint differs"


def reason_not_signed(found: TimeStampResponse, data: bytes, roots: Roots) -> str | None:
    """Say why the signature is not believed, by the roots and as of the moment it says; or None. Asks nobody."""
    try:
        VerifierBuilder(roots=list(roots.certificates)).build().verify_message(found, data)
    except (VerificationError, ValueError) as error:
        late = [one for one in _certificates(found) if not one.not_valid_before_utc <= found.tst_info.gen_time]
        gone = [one for one in _certificates(found) if found.tst_info.gen_time > one.not_valid_after_utc]
        for one in (*gone, *late):
            until = f"from {one.not_valid_before_utc:%Y-%m-%d} to {one.not_valid_after_utc:%Y-%m-%d}"
            return f"the certificate of {_name(one)} was valid {until}, not when it stamped"
        return f"the signature, or who signed, is vouched for by none of the roots ({str(error)[:SAID_MAX]})"
    return None


def _decoded(answer: bytes) -> TimeStampResponse | None:
    try:
        return decode_timestamp_response(with_sorted_certificates(answer))
    except ValueError:
        return None


def _certificates(found: TimeStampResponse) -> list[Certificate]:
    try:
        return [load_der_x509_certificate(one) for one in found.signed_data.certificates]
    except ValueError:
        return []


def _signer(found: TimeStampResponse) -> str:
    """Name who says that they signed."""
    signers = [(one.issuer, one.serial_number) for one in found.signed_data.signer_infos]
    for one in _certificates(found):
        if (one.issuer, one.serial_number) in signers:
            return _name(one)
    return "somebody whose certificate is not in it"


def _name(certificate: Certificate) -> str:
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else certificate.subject.rfc4514_string()
