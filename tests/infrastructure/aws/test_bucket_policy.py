"""The bucket's policy covers every key that our code writes, and what two unrelated servers enforce of it holds there.

Neither knows how a write was conditional (they deny every PUT where AWS denies those without the header), so of that
the statements alone are judged here, against the keys that the real code writes.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner, Result

from blocks.errors import UnavailableError
from blocks.ledger import Ledger
from blocks.sealing.handover import hand_over
from blocks.sealing.log import Log
from blocks.sealing.notes import HeadsLog
from blocks.sealing.sealer import Sealer
from blocks.sealing.witness import Witness
from blocks.store import FolderStore
from blocks.wire.signed_note import SecretKey
from infrastructure.aws.bucket_policy import LEDGER, WITNESS, PolicyError, Who, bucket_policy, lacking
from infrastructure.commands.ledger import app
from infrastructure.commands.ledger_bucket import told_of_policies
from tasks.results import keep_result, result_of
from tests.buckets import Server, unmade
from tests.hospital import Hospital
from tests.sealing import KEY
from tests.sealing import WITNESS as WITNESS_KEY

ROLE = "arn:aws:iam::123456789012:role/almoner-"
WHO = Who((f"{ROLE}worker", f"{ROLE}doors"), (f"{ROLE}sealer",), (f"{ROLE}keeper",))
Statements = dict[str, dict[str, Any]]


@dataclass
class Noted:
    """Which keys were created, and which written over."""

    created: set[str] = field(default_factory=set)
    swapped: set[str] = field(default_factory=set)


class NotingStore(FolderStore):
    """A folder that notes how each key was written."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.noted = Noted()

    async def create(self, key: str, data: bytes) -> None:
        await super().create(key, data)
        self.noted.created.add(key)

    async def swap(self, key: str, data: bytes, *, was: str) -> str:
        self.noted.swapped.add(key)
        return await super().swap(key, data, was=was)


@pytest.fixture
async def written(tmp_path: Path) -> dict[str, Noted]:
    """What a day writes: a case, its result, what was not readable, notes, the log and its keys; and the witness."""
    hospital = await Hospital.opened(tmp_path / "store")
    store, own = NotingStore(tmp_path / "store"), NotingStore(tmp_path / "witness")
    hospital.ledger = Ledger(store, vault=hospital.ledger.vault)
    await hospital.receive(requester="nobody.known", item="x")
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov")
    outcome = await hospital.wake(case)
    assert outcome is not None
    await keep_result(result_of(await hospital.chain(case), outcome), hospital.ledger)
    successor = SecretKey.made(KEY.name)
    await seal_and_see(hospital, KEY, own)
    await hospital.submit("KNEE-TIB-4", 1)
    await seal_and_see(hospital, KEY, own)
    await hand_over(hospital.ledger, KEY.public, KEY, successor)
    return {LEDGER: store.noted, WITNESS: own.noted}


async def seal_and_see(hospital: Hospital, key: SecretKey, own: FolderStore) -> None:
    notes, store = HeadsLog(hospital.ledger.store), hospital.ledger.store
    hospital.now += timedelta(seconds=1)
    async for case, seq in hospital.ledger.cases():
        notes(case, seq, (await hospital.ledger.read(case)).head)
    await notes.flush(hospital.now)
    sealer = Sealer(hospital.ledger, key)
    await sealer.follow()
    await sealer.sweep()
    await sealer.seal(hospital.now)
    assert await Witness(Log(store, KEY.public), own, WITNESS_KEY).look(hospital.now) is None


def statements(kind: str, address: str = "s3://evidence") -> Statements:
    return {one["Sid"]: one for one in bucket_policy(address, WHO, kind)["Statement"]}


def covers(statement: dict[str, Any], key: str) -> bool:
    arn = f"arn:aws:s3:::evidence/{key}"
    if "Resource" in statement:
        return any(fnmatchcase(arn, one) for one in statement["Resource"])
    return not any(fnmatchcase(arn, one) for one in statement["NotResource"])


async def test_whatever_our_code_creates_may_be_created_only_and_whatever_it_writes_over_by_who_saw_it(written):
    tops = {key.split("/")[0] for key in written[LEDGER].created}
    assert tops == {"cases", "objects", "inbox", "quarantine", "results", "log"}
    assert {key.split("/")[1] for key in written[LEDGER].created if key.startswith("log/")} == {
        "heads", "staging", "tile", "checkpoint", "lock", "keys"
    }  # fmt: skip
    assert written[LEDGER].swapped == {"log/lock", "log/checkpoint"}
    assert written[WITNESS].swapped == {"checkpoint"}
    for kind, noted in written.items():
        said = statements(kind)
        for key in noted.created | noted.swapped:
            once, over = covers(said["CreatedOnce"], key), covers(said["WrittenOverByWhoSawIt"], key)
            assert (once, over) == ((False, True) if key in noted.swapped else (True, False)), key
            assert covers(said["NobodyDeletes"], key)
            assert covers(said["NobodyDeletesVersions"], key)


async def test_every_key_has_one_writer_and_what_others_drop_is_theirs(written):
    said = statements(LEDGER)
    for key in written[LEDGER].created | written[LEDGER].swapped:
        sealed = covers(said["SealersWriteTheLog"], key)
        assert sealed is not covers(said["WritersWriteTheRest"], key)
        assert sealed is (key.startswith("log/") and not key.startswith("log/heads/"))
    dropped = {sid for sid, one in said.items() if covers(one, "drop/requisitions/june.csv")}
    assert dropped == {"TlsOnly", "NobodyDeletesVersions", "KeepersHold"}


def test_a_write_is_denied_where_the_header_is_missing_and_so_is_a_write_in_parts():
    said = statements(LEDGER)
    assert said["CreatedOnce"]["Condition"] == {"Null": {"s3:if-none-match": "true"}}
    assert said["WrittenOverByWhoSawIt"]["Condition"]["Null"] == {"s3:if-none-match": "true", "s3:if-match": "true"}
    assert "s3:ObjectCreationOperation" not in json.dumps(said)
    assert {one["Effect"] for one in said.values()} == {"Deny"}
    assert {json.dumps(one["Principal"]) for one in said.values()} == {'"*"'}


@pytest.mark.parametrize("kind", [LEDGER, WITNESS])
def test_it_is_filled_in_for_a_place_in_a_bucket_in_any_partition_and_fits_what_aws_takes(kind: str):
    who = Who(*([one.replace("arn:aws:", "arn:aws-us-gov:") for one in arns] for arns in WHO))
    filled = bucket_policy("s3://evidence/main", who, kind)
    text = json.dumps(filled)
    assert "<" not in text
    assert "arn:aws:" not in text
    assert "arn:aws-us-gov:s3:::evidence/main/" in text
    assert len(text) < 20 * 1024
    assert lacking(filled, "s3://evidence/main", kind) == []


@pytest.mark.parametrize(
    ("address", "who", "said"),
    [
        ("evidence", WHO, "is no bucket"),
        ("s3://evidence", WHO._replace(keepers=()), "keepers: say who"),
        ("s3://evidence", WHO._replace(sealers=("almoner",)), "sealers: almoner is no role"),
        ("s3://evidence", WHO._replace(sealers=("arn:aws-cn:iam::123456789012:user/a",)), "of one partition"),
    ],
)
def test_it_is_not_filled_in_with_what_is_no_identity_or_no_bucket(address: str, who: Who, said: str):
    with pytest.raises(PolicyError, match=said):
        bucket_policy(address, who)


def test_what_a_bucket_lacks_is_named_whoever_may_and_however_it_is_written():
    filled = bucket_policy("s3://evidence", WHO)
    other = Who((f"{ROLE}a",), (f"{ROLE}b",), (f"{ROLE}c",))
    assert lacking(bucket_policy("s3://evidence", other), "s3://evidence") == []
    loose = json.loads(json.dumps(filled).replace('["s3:DeleteObject"]', '"s3:DeleteObject"'))
    assert lacking(loose, "s3://evidence") == []
    filled["Statement"][3]["NotResource"].append("arn:aws:s3:::evidence/cases/*")
    del filled["Statement"][0]
    assert lacking(filled, "s3://evidence") == ["TlsOnly", "CreatedOnce"]
    assert len(lacking({}, "s3://evidence")) == len(statements(LEDGER))


def asked(*options: str) -> Result:
    return CliRunner().invoke(app, ["bucket-policy", *options])


def test_a_command_prints_it_and_says_who_is_missing():
    given = [word for kind, arns in zip(("writer", "sealer", "keeper"), WHO, strict=True) for one in arns
             for word in (f"--{kind}", one)]  # fmt: skip
    told = asked("s3://evidence", *given)
    assert told.exit_code == 0
    assert json.loads(told.stdout) == bucket_policy("s3://evidence", WHO)
    told = asked("s3://evidence", *given[:-2])
    assert told.exit_code != 0
    assert "keepers: say who" in told.output


@dataclass
class Acting:
    """A bucket with the policy on it, and somebody who may do everything that it does not deny."""

    server: Server
    client: Any


@pytest.fixture(params=["seaweed", "ministack"])
def acting(request: pytest.FixtureRequest) -> Iterator[Acting]:
    server = unmade(request, request.param)
    server.versioned()
    client = server.client
    if request.param == "ministack":  # there the account's own keys stand above a policy, as AWS's root user does not
        allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        root = boto3.client(
            "iam", endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id=server.key,
            aws_secret_access_key=server.secret,
        )  # fmt: skip
        root.create_user(UserName=server.name)
        root.put_user_policy(UserName=server.name, PolicyName="all", PolicyDocument=json.dumps(allowed))
        keys = root.create_access_key(UserName=server.name)["AccessKey"]
        client = Server(server.endpoint, keys["AccessKeyId"], keys["SecretAccessKey"]).client
    yield Acting(server, client)
    client.close()


def put(acting: Acting, *names: str) -> None:
    filled = bucket_policy(f"s3://{acting.server.name}", WHO)
    filled["Statement"] = [one for one in filled["Statement"] if one["Sid"] in names]
    acting.server.client.put_bucket_policy(Bucket=acting.server.name, Policy=json.dumps(filled))


def test_nobody_deletes_what_is_kept_or_hides_it_and_what_was_dropped_may_be_taken_away(acting: Acting):
    name, client = acting.server.name, acting.client
    kept = client.put_object(Bucket=name, Key="cases/RQ-1/00000001.json", Body=b"one")
    client.put_object(Bucket=name, Key="drop/june.csv", Body=b"rows")
    put(acting, "NobodyDeletes", "NobodyDeletesVersions")
    for version in ({}, {"VersionId": kept["VersionId"]}):
        with pytest.raises(ClientError, match="AccessDenied"):
            client.delete_object(Bucket=name, Key="cases/RQ-1/00000001.json", **version)
    assert client.get_object(Bucket=name, Key="cases/RQ-1/00000001.json")["Body"].read() == b"one"
    client.delete_object(Bucket=name, Key="drop/june.csv")
    client.put_object(Bucket=name, Key="cases/RQ-1/00000002.json", Body=b"two", IfNoneMatch="*")


async def test_what_the_servers_policy_lacks_is_told_and_nothing_where_nothing_is_lacking(acting: Acting, monkeypatch):
    monkeypatch.setenv("ALMONER_STORE", f"s3://{acting.server.name}")
    (note,) = await told_of_policies(acting.server.bucket, None)
    assert note.startswith("the policy of the ledger's bucket is not there: ")
    put(acting, "NobodyDeletes", "CreatedOnce")
    (note,) = await told_of_policies(acting.server.bucket, None)
    assert "does not say TlsOnly, NobodyDeletesVersions, WrittenOverByWhoSawIt, " in note
    assert "CreatedOnce" not in note


async def test_a_bucket_that_is_not_there_tells_nothing_of_its_policy():
    gone = Server("http://127.0.0.1:9", "a", "b")
    with pytest.raises(UnavailableError):
        await gone.bucket.policy()
