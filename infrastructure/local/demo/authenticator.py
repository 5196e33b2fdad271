"""A phone's passkeys in software: the other end of WebAuthn. It signs for the morning's people, and lies for tests."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url as spelled

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One passkey. What it is told by keyword is how it lies."""

    rp: str = "localhost"
    origin: str = "http://localhost:18080"
    credential: bytes = b"a phone's passkey"
    uses: int = 0
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, options: dict[str, Any], **lies: Any) -> dict[str, Any]:
        """Answer `navigator.credentials.create`."""
        length = len(self.credential).to_bytes(2, "big")
        attested = bytes(16) + length + self.credential + cbor2.dumps(self._public())
        data = self._data(ATTESTED | lies.get("flags", PRESENT | VERIFIED), lies) + attested
        client = self._client("webauthn.create", options["challenge"], lies)
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._credential({"clientDataJSON": spelled(client), "attestationObject": spelled(attestation)}, lies)

    def get(self, options: dict[str, Any], **lies: Any) -> dict[str, Any]:
        """Answer `navigator.credentials.get`."""
        self.uses += 1 if self.uses else 0
        data = self._data(lies.get("flags", PRESENT | VERIFIED), lies)
        client = self._client(lies.get("type", "webauthn.get"), options["challenge"], lies)
        signature = lies.get("key", self.key).sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {"authenticatorData": data, "clientDataJSON": client, "signature": signature}
        return self._credential({name: spelled(value) for name, value in response.items()}, lies)

    def _public(self) -> dict[int, Any]:
        at = self.key.public_key().public_numbers()
        return {1: 2, 3: -7, -1: 1, -2: at.x.to_bytes(32, "big"), -3: at.y.to_bytes(32, "big")}

    def _data(self, flags: int, lies: dict[str, Any]) -> bytes:
        rp: str = lies.get("rp", self.rp)
        uses: int = lies.get("uses", self.uses)
        return hashlib.sha256(rp.encode()).digest() + bytes([flags]) + uses.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, lies: dict[str, Any]) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(told | {name: lies[name] for name in told if name in lies}).encode()

    def _credential(self, response: dict[str, Any], lies: dict[str, Any]) -> dict[str, Any]:
        name = spelled(lies.get("credential", self.credential))
        return {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}
