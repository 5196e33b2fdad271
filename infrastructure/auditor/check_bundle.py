"""Check a bundle: one case of Almoner's ledger, who decided what, and the proof. It trusts nobody, and asks nobody.

    python check_bundle.py FILE [--key LOGKEY] [--witness WITNESSKEY]

It needs Python and the library `cryptography`. Give the keys as you know them from elsewhere (the fingerprint that is
posted daily, the hospital's records): without them it can only say which keys signed.
Exit code 0: everything holds. 1: something does not, and is named. 2: it cannot be read.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

Json = dict[str, Any]
LEAF = re.compile(rb'\{"at":"([^"]+)","case":"([^"]+)","digest":"([0-9a-f]{64})","seq":(\d+)\}')
SIGNATURE = re.compile(r"\u2014 (\S+) (\S+)")
SIGNS, COSIGNS, TILE = 1, 4, 256
PRESENT_AND_VERIFIED = 0b101
WORD_FOR_WORD = ("ask", "shown", "verdict", "quantity", "note", "by")
FORMAT = "almoner-bundle/1"


class Wrong(Exception):  # noqa: N818  what is found, not what went wrong here
    """Something is not as it was written or signed; the text says what."""


def sha256(data: bytes) -> bytes:
    """Digest."""
    return hashlib.sha256(data).digest()


def canonical(fact: Any) -> bytes:
    """Print JSON canonically (RFC 8785); the ledger holds no numbers but whole ones."""
    return json.dumps(fact, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def must(condition: object, what: str) -> None:
    """Stop where something does not hold."""
    if not condition:
        raise Wrong(what)


def bytes_of(text: str) -> bytes:
    """Read base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def read_chain(case: str, texts: list[bytes]) -> list[Json]:
    """Read a chain's entries and check that each follows the one before; the digests of what was shown with them."""
    entries, before = list[Json](), ""
    for place, text in enumerate(texts, 1):
        entry = json.loads(text)
        must(canonical(entry) == text, f"{case}/{place} is not in canonical form")
        must((entry["case"], entry["seq"]) == (case, place), f"{case}/{place} says that it is another entry")
        must(entry["prev"] == before, f"{case}/{place} does not follow the entry before it")
        entries.append(entry)
        before = sha256(text).hex()
    return entries


def lines_of(entries: list[Json]) -> Iterator[Json]:
    """List a chain's lines, oldest first."""
    return (line for entry in entries for line in entry["lines"])


def check_case(entries: list[Json], enrolled: Callable[[str, int], Json | None]) -> list[str]:
    """Check a case's asks and decisions against each other; return what was decided, in words."""
    asks, wrong, told = dict[str, Json](), dict[str, Json](), list[str]()
    for line in lines_of(entries):
        body, where = line["body"], f"{entries[0]['case']} {line['key']}"
        if line["act"] == "asked" and "ask" in body:
            must(sha256(canonical(body["ask"])).hex() == line["seen"], f"{where}: the digest of what was shown differs")
            asks[line["key"]] = line
        elif line["act"] == "decided":
            asked, said = asks.get(line["key"]), body["decision"]
            must(asked, f"{where} was decided and never asked")
            must(asked and said["shown"] == asked["seen"], f"{where}: what they saw is not what was asked")
            must(said["verdict"] == "expire" or line["actor"] == f"person:{said['by']}", f"{where}: decided by another")
            needs = asked and asked["body"]["ask"].get("passkey") and said["verdict"] == "approve"
            must(not needs or said.get("proof"), f"{where}: it takes a passkey, and none signed it")
            signed = ", signed with a passkey" if said.get("proof") else ""
            if signed:
                check_passkey(said, entries[0]["case"], where, enrolled(said["proof"]["credential"], said["passkeys"]))
            behalf = f" for {said['on_behalf_of']}" if said.get("on_behalf_of") else ""
            told.append(f"{said['verdict']} by {said['name']}{behalf} as {said['role']} at {said['at']}{signed}")
        elif line["act"] == "reversal-asked":
            wrong[line["key"]] = line
        elif line["act"] == "reversing":
            asked = wrong.pop(line["key"], line)
            must(asked["actor"] != line["actor"], f"{where}: no two have said that it be reversed")
            by = f"asked for by {asked['body']['name']} at {asked['at']}, agreed by {body['name']} at {line['at']}"
            told.append(f"journal entry {line['key']} to be reversed: {by}")
        elif line["act"] == "outcome" and "document" in body:
            told.append(f"{body['document']['kind']} {body['document']['number']} ({body['how']}) at {line['at']}")
    return told


def check_passkey(said: Json, case: str, where: str, key: Json | None) -> None:
    """Check that the decision, word for word, was signed by the passkey that was enrolled for who decided."""
    must(key, f"{where}: the passkey that signed it was not enrolled then, or withdrawn")
    proof = said["proof"]
    request, key = proof["request"], key or {}
    confirmed, decided = ([one.get(x) for x in WORD_FOR_WORD] for one in (request, said))
    must(confirmed == decided and request["case"] == case, f"{where}: signed otherwise")
    must(datetime.fromisoformat(said["at"]) <= datetime.fromisoformat(request["until"]), f"{where}: signed too late")
    must(key["person"] == said["by"], f"{where}: the passkey is somebody else's")
    client = json.loads(bytes_of(proof["client_data"]))
    data = bytes_of(proof["authenticator_data"])
    must(client["type"] == "webauthn.get" and client["origin"] == key["origin"], f"{where}: signed on another page")
    must(bytes_of(client["challenge"]) == sha256(canonical(request)), f"{where}: it signed something else")
    must(data[:32] == sha256(key["rp"].encode()), f"{where}: signed for another house")
    must(data[32] & PRESENT_AND_VERIFIED == PRESENT_AND_VERIFIED, f"{where}: nobody was there, or nobody knew who")
    message = data + sha256(bytes_of(proof["client_data"]))
    must(_cose_verifies(bytes_of(key["public_key"]), bytes_of(proof["signature"]), message), f"{where}: the signature")


def _cose_verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    key = _cbor(public)
    try:
        if key[1] == 2:  # noqa: PLR2004  COSE: an elliptic curve with two coordinates, here P-256
            numbers = ec.EllipticCurvePublicNumbers(
                int.from_bytes(key[-2], "big"), int.from_bytes(key[-3], "big"), ec.SECP256R1()
            )
            numbers.public_key().verify(signature, message, ec.ECDSA(hashes.SHA256()))
        elif key[1] == 1:
            ed25519.Ed25519PublicKey.from_public_bytes(key[-2]).verify(signature, message)
        else:
            rsa_key = rsa.RSAPublicNumbers(int.from_bytes(key[-2], "big"), int.from_bytes(key[-1], "big")).public_key()
            rsa_key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _cbor(data: bytes) -> dict[int, Any]:
    """Read the little of CBOR that a public key is written in: one map of whole numbers to numbers and bytes."""
    at = 0

    def number(size: int) -> int:
        nonlocal at
        at += size
        return int.from_bytes(data[at - size : at], "big")

    def item() -> Any:
        nonlocal at
        kind, short = divmod(number(1), 32)
        value = short if short < 24 else number(1 << (short - 24))  # noqa: PLR2004  longer ones follow
        if kind in (0, 1):
            return value if kind == 0 else -1 - value
        must(kind == 2, "a public key is not written as one")  # noqa: PLR2004  bytes
        at += value
        return data[at - value : at]

    return {item(): item() for _ in range(number(1) % 32)}


class Key:
    """A public key as Go's `sumdb/note` writes it: name+id+base64."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        self.name, self.id, raw = self.text.split("+", 2)
        self.kind, self.raw = base64.b64decode(raw)[0], base64.b64decode(raw)[1:]
        known = sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.raw)[:4].hex()
        must(known == self.id, f"the key of {self.name} was copied wrongly")

    def signed(self, note: str) -> bool:
        """Say whether it signed a note."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        text, _, below = note.rpartition("\n\n")
        for name, packed in SIGNATURE.findall(below):
            data = base64.b64decode(packed)
            if (name, data[:4].hex()) != (self.name, self.id):
                continue
            message, signature = (text + "\n").encode(), data[4:]
            if self.kind == COSIGNS:
                message = f"cosignature/v1\ntime {int.from_bytes(signature[:8], 'big')}\n".encode() + message
                signature = signature[8:]
            try:
                Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
            except InvalidSignature:
                return False
            return True
        return False


def check_head(note: str, first: str, handovers: list[str], witness: str) -> tuple[int, bytes]:
    """Check a head's signatures, from the first key to the one in office; return the tree's size and root."""
    origin, size_text, root, *_ = note.split("\n")
    key, size, office = Key(first), int(size_text), [Key(first)]
    for handover in handovers:
        _, since, successor, *_ = handover.split("\n")
        must(key.signed(handover) and Key(successor).signed(handover), "a key was handed over without both signing")
        key = Key(successor)
        office = [*(office if size <= int(since) else []), *([key] if size >= int(since) else [])]
    must(any(origin == x.name and x.signed(note) for x in office), "the head is not signed by the log's key")
    if witness:
        must(Key(witness).signed(note), "the witness has not cosigned the head")
    return size, base64.b64decode(root)


def node(left: bytes, right: bytes) -> bytes:
    """Hash two nodes into one (RFC 6962)."""
    return sha256(b"\x01" + left + right)


def check_inclusion(proof: Json, size: int, root: bytes, entry: tuple[str, int, bytes]) -> None:
    """Check that an entry, by name, number and text, is in the tree (RFC 9162, 2.1.3.2)."""
    case, seq, text = entry
    leaf, place, last = proof["leaf"].encode(), proof["place"], size - 1
    committed = LEAF.fullmatch(leaf)
    must(
        committed and (committed[2], committed[4], committed[3]) ==
        (case.encode(), str(seq).encode(), sha256(text).hex().encode()), f"the log commits to another {case}/{seq}",
    )  # fmt: skip
    found = sha256(b"\x00" + leaf)
    must(0 <= place <= last, f"{case}/{seq} is not under the head")
    for packed in proof["hashes"]:
        beside = base64.b64decode(packed)
        must(last > 0, f"{case}/{seq}: its proof is too long")
        if place & 1 or place == last:
            found = node(beside, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node(found, beside)
        place, last = place >> 1, last >> 1
    must(last == 0 and found == root, f"{case}/{seq} is not in the signed log")


def check_bundle(bundle: Json, key: str = "", witness: str = "") -> list[str]:
    """Check a bundle; return what it proves, in words. `Wrong` says what does not hold."""
    must(bundle["format"] == FORMAT, f"it is a bundle of another kind, {bundle['format']}; this program reads {FORMAT}")
    texts = zlib.decompress(base64.b64decode(bundle["entries"])).split(b"\n")
    entries = read_chain(bundle["case"], texts)
    log = bundle.get("log")
    keys, told = [json.loads(one["entry"]) for one in bundle["enrolled"]], []

    def enrolled(credential: str, until: int) -> Json | None:
        known = [x for entry in keys if entry["seq"] <= until for x in entry["lines"] if x["key"] == credential]
        gone = any(x["act"] == "withdrawn" for x in known)
        return next((x["body"]["passkey"] for x in known if x["act"] == "enrolled" and not gone), None)

    told = check_case(entries, enrolled)
    told.append(f"{len(entries)} entries, each following the one before; the last is {sha256(texts[-1]).hex()}")
    if log is None:
        must(not key and not witness, "it is under no signed head, so the key that you gave has signed nothing")
        return [*told, "NOT under a signed head: this shows what the chain says, not that it was there"]
    known = bundle["keys"]
    for given, told_key, whose in ((key, known["log"], "log"), (witness, known.get("witness", ""), "witness")):
        must(not given or given.strip() == told_key, f"the {whose}'s key is {told_key or 'missing'}, not the one given")
    size, root = check_head(log["checkpoint"], known["log"], known["handovers"], known.get("witness", ""))
    check_inclusion(log["proof"], size, root, (bundle["case"], len(entries), texts[-1]))
    for one, entry in zip(bundle["enrolled"], keys, strict=True):
        check_inclusion(one["proof"], size, root, (entry["case"], entry["seq"], one["entry"].encode()))
    trust = "as you gave it" if key else "compare it with the one you know"
    cosigned = f", cosigned by {known['witness'].split('+')[0]}" if known.get("witness") else ""
    return [
        *told,
        f"entry {log['proof']['place'] + 1:,} of {size:,} in the log signed by {known['log']} ({trust}){cosigned}",
    ]


def main() -> int:
    """Check what is named on the command line, and say it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", default="", help="the log's first public key, as you know it")
    parser.add_argument("--witness", default="", help="the witness's public key, as you know it")
    asked = parser.parse_args()
    try:
        bundle = json.loads(asked.file.read_text(encoding="utf-8"))
        told = check_bundle(bundle, asked.key, asked.witness)
    except Wrong as wrong:
        print(f"\u2717 {wrong}")
        return 1
    except (OSError, ValueError, KeyError, TypeError, IndexError, zlib.error) as error:
        why = f"{type(error).__name__}: {error}"
        print(f"\u2717 {asked.file} is no bundle, or not a whole one ({why}): ask for it anew", file=sys.stderr)
        return 2
    print("\n".join([f"\u2713 {bundle['case']}", *(f"  {one}" for one in told)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
