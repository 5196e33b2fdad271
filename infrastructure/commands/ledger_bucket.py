"""`almoner ledger bucket-policy`: what the evidence's bucket should let nobody do; and what it lacks of that."""

import json
import os
from typing import TYPE_CHECKING, Annotated

import typer

from infrastructure.commands.speaking import plainly
from infrastructure.local.stack.trouble import StackError

if TYPE_CHECKING:
    from blocks.retention import LockedBucket

Bucket = Annotated[str, typer.Argument(metavar="s3://BUCKET[/PREFIX]", help="The bucket, which is of nothing else.")]
Writer = Annotated[list[str] | None, typer.Option(help="Who writes: an ARN of doors, workers; or of the witness.")]
Sealer = Annotated[list[str] | None, typer.Option(help="Who seals the log.")]
Keeper = Annotated[list[str] | None, typer.Option(help="Who sets retention, legal holds and this policy.")]
Witness = Annotated[bool, typer.Option("--witness", help="The bucket is the witness's, not the ledger's.")]


def bucket_policy(
    bucket: Bucket,
    writer: Writer = None,
    sealer: Sealer = None,
    keeper: Keeper = None,
    witness: Witness = False,
) -> None:
    """Print the policy to set on the evidence's bucket in AWS: nobody deletes, nobody writes over.

    `aws s3api put-bucket-policy --bucket BUCKET --policy file://policy.json` sets it. Who is not named as a keeper
    cannot change it again, but for the account's root user.
    """
    from infrastructure.aws.bucket_policy import LEDGER, WITNESS, PolicyError, Who
    from infrastructure.aws.bucket_policy import bucket_policy as fill

    with plainly():
        who = Who(writer or [], sealer or [], keeper or [])
        try:
            print(json.dumps(fill(bucket, who, WITNESS if witness else LEDGER), indent=2))
        except PolicyError as error:
            raise StackError(f"No policy was written: {error}.", "`--help` says which options there are.") from error


async def told_of_policies(ledger: "LockedBucket | None", witness: "LockedBucket | None") -> tuple[str, ...]:
    """Say what the buckets' policies lack, one line each; nothing of a bucket that does not tell."""
    from infrastructure.aws.bucket_policy import LEDGER, WITNESS, lacking

    notes = []
    places = ((LEDGER, ledger, "ALMONER_STORE"), (WITNESS, witness, "ALMONER_WITNESS_STORE"))
    for kind, bucket, variable in places:
        policy, address = await bucket.policy() if bucket else None, os.environ.get(variable, "")
        missing = lacking(policy, address, kind) if policy is not None and address.startswith("s3://") else []
        if missing:
            no = f"does not say {', '.join(missing)}" if policy else "is not there"
            so = "what is hidden there is found, not prevented (`almoner ledger bucket-policy` prints what prevents it)"
            notes.append(f"the policy of the {kind}'s bucket {no}: {so}")
    return tuple(notes)
