"""Passkeys (WebAuthn): what a browser is asked for, and whether what it brings back holds.

The one importer of py_webauthn, which takes a quarter of a second to load: import this where it is needed.
Nothing here needs the network, a clock or a secret: what a passkey signed can be checked for ever.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from blocks.proofs.keyring import House
from blocks.records.passkeys import Confirmation, Invitation, Passkey, Proof
from blocks.records.people import Person
from blocks.wire.canonical import canonical, digest

NAME = "Almoner"


class NotProvenError(Exception):
    """What the browser brought does not hold; the text says why."""


def challenge_of(asked: Confirmation | Invitation) -> bytes:
    """Name what is to be signed: the SHA-256 of its canonical print."""
    return bytes.fromhex(digest(canonical(asked)))


def to_create(house: House, invitation: Invitation, person: Person, theirs: Iterable[Passkey]) -> dict[str, Any]:
    """Print what the browser is asked to make for a person who was invited."""
    return _plain(
        webauthn.generate_registration_options(
            rp_id=house.rp,
            rp_name=NAME,
            user_id=bytes.fromhex(digest(person.id.encode())),
            user_name=person.id,
            user_display_name=person.name,
            challenge=challenge_of(invitation),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=_named(theirs),
        )
    )


def to_sign(request: Confirmation, theirs: Iterable[Passkey], house: House) -> dict[str, Any]:
    """Print what the browser is asked to sign, with whichever of the person's passkeys is at hand."""
    return _plain(
        webauthn.generate_authentication_options(
            rp_id=house.rp,
            challenge=challenge_of(request),
            allow_credentials=_named(theirs),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


def created(house: House, invitation: Invitation, brought: dict[str, Any], at: datetime) -> Passkey:
    """Read the passkey that a browser made; `NotProvenError` where it is not what was asked for."""
    try:
        made = webauthn.verify_registration_response(
            credential=brought,
            expected_challenge=challenge_of(invitation),
            expected_rp_id=house.rp,
            expected_origin=house.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise NotProvenError(str(error)) from error
    return Passkey(
        credential=bytes_to_base64url(made.credential_id),
        public_key=bytes_to_base64url(made.credential_public_key),
        person=invitation.person,
        rp=house.rp,
        origin=house.origin,
        at=at,
        by=invitation.by,
        uses=made.sign_count,
    )


def assert_signed(proof: Proof, key: Passkey, *, uses: int = 0) -> int:
    """Check a proof against an enrolled passkey and return the authenticator's count; `NotProvenError` if it fails.

    It must be this passkey's signature, over this very request, made on our own page, by a person whom the
    authenticator has verified. *uses* is the count last seen: one that does not grow means a copied passkey.
    """
    response = {
        "clientDataJSON": proof.client_data,
        "authenticatorData": proof.authenticator_data,
        "signature": proof.signature,
    }
    credential = {"id": proof.credential, "rawId": proof.credential, "type": "public-key", "response": response}
    try:
        if proof.credential != key.credential:
            raise NotProvenError("it was signed with another passkey")
        if parse_client_data_json(base64url_to_bytes(proof.client_data)).cross_origin:
            raise NotProvenError("the page was shown inside another one")
        signed = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge_of(proof.request),
            expected_rp_id=key.rp,
            expected_origin=key.origin,
            credential_public_key=base64url_to_bytes(key.public_key),
            credential_current_sign_count=uses,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise NotProvenError(str(error)) from error
    return signed.new_sign_count


def _named(keys: Iterable[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.credential)) for one in keys]


def _plain(options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return found
