"""What a bucket of evidence lets nobody do, whoever holds which keys: the policy to set on it, as data beside this.

A bucket is the ledger's alone, or the witness's. Object Lock keeps versions; this keeps keys: nobody hides what is
there, everything is created where nothing is (`If-None-Match`), heads are written over by who saw them (`If-Match`),
and each part by one identity alone. It grants nothing: what identities may do stands in their own policies.
"""

import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

ARN = re.compile(r"arn:(aws[a-z-]*):iam::[0-9]{12}:(?:role|user)/[\w+=,.@/*-]+")
BY = "aws:PrincipalArn"
LEDGER, WITNESS = "ledger", "witness"
Json = Any


class PolicyError(ValueError):
    """An identity or address is not as AWS writes one; the text names it."""


class Who(NamedTuple):
    """Who may do what none of the others may: roles or users, as ARNs."""

    writers: Sequence[str]
    """Doors, workers and people at a terminal; of the witness's bucket the witness itself."""
    sealers: Sequence[str]
    """Whatever puts entries under signed heads."""
    keepers: Sequence[str]
    """Upkeep and who may put legal holds: they set retention, which a lock lets nobody shorten."""


def bucket_policy(address: str, who: Who, kind: str = LEDGER) -> dict[str, Json]:
    """Fill the policy in for the bucket at `s3://bucket/prefix`. Raises `PolicyError`."""
    told = who if kind == LEDGER else who._replace(sealers=who.writers)
    partitions = set()
    for name, arns in told._asdict().items():
        if not arns:
            message = f"{name}: say who, such as arn:aws:iam::123456789012:role/almoner-worker"
            raise PolicyError(message)
        for arn in arns:
            found = ARN.fullmatch(arn)
            if not found:
                message = f"{name}: {arn} is no role or user as AWS writes one, arn:aws:iam::123456789012:role/name"
                raise PolicyError(message)
            partitions.add(found[1])
    if len(partitions) > 1:
        message = f"identities of one bucket are of one partition, not of {', '.join(sorted(partitions))}"
        raise PolicyError(message)
    filled: dict[str, Json] = _filled(_template(kind), _places(address, partitions.pop()), told._asdict())
    return filled


def lacking(policy: Mapping[str, Json], address: str, kind: str = LEDGER) -> list[str]:
    """Name what a bucket's policy does not say, whoever it names as those who may."""
    said = [_shape(one) for one in policy.get("Statement", ())]
    found = []
    for one in _template(kind)["Statement"]:
        wanted = (_shape(_filled(one, _places(address, of), {})) for of in ("aws", "aws-us-gov", "aws-cn"))
        if not any(shape in said for shape in wanted):
            found.append(str(one["Sid"]))
    return found


def _template(kind: str) -> dict[str, Json]:
    text = files("infrastructure.aws").joinpath(f"{kind}_bucket.json").read_text()
    template: dict[str, Json] = json.loads(text)
    return template


def _places(address: str, partition: str) -> dict[str, str]:
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    if not address.startswith("s3://") or not bucket:
        message = f"{address} is no bucket: give it as s3://bucket, or s3://bucket/prefix"
        raise PolicyError(message)
    arn = f"arn:{partition}:s3:::{bucket}"
    return {"<bucket>": arn, "<place>": f"{arn}/{prefix.rstrip('/')}/" if prefix else f"{arn}/"}


def _filled(told: Json, places: Mapping[str, str], who: Mapping[str, Sequence[str]]) -> Json:
    """Put bucket and identities where the data names them."""
    if isinstance(told, dict):
        return {key: _filled(value, places, who) for key, value in told.items()}
    if isinstance(told, list):
        return [one for each in told for one in _listed(each, places, who)]
    for name, place in places.items():
        told = told.replace(name, place)
    return told


def _listed(told: Json, places: Mapping[str, str], who: Mapping[str, Sequence[str]]) -> Sequence[Json]:
    named = who.get(told.strip("<>")) if isinstance(told, str) else None
    return named or [_filled(told, places, who)]


def _shape(told: Json) -> Json:
    """Bring a statement into the one form in which two can be compared; without whom it names, and by its name."""
    if isinstance(told, dict):
        return {key: None if key == BY else _shape(value) for key, value in told.items() if key != "Sid"}
    return sorted(told) if isinstance(told, list) else [told]
