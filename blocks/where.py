"""Where a bucket is, and what the quick client of `blocks.store` does not know: versions, locks and the time."""

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any

from blocks.errors import NotFoundError, UnavailableError, UnreadableError

NOT_LET_IN = "it does not let us in: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's policy"
CLOCK_S = 10.0
"""How long one waits to be told the time."""


@dataclass(frozen=True, repr=False)
class Where:
    """Where a bucket is, and how one is let in; None: as the environment says."""

    bucket: str
    prefix: str
    """Empty, or ending in `/`."""
    endpoint: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None

    def client(self, timeout_s: float = 60) -> Any:
        """Make a client that knows versions, locks and what time it is there, which the quick one does not."""
        import boto3  # loaded only for what is done once in a long while
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            config=Config(
                retries={"max_attempts": 4, "mode": "standard"}, connect_timeout=timeout_s, read_timeout=timeout_s
            ),
        )

    @cached_property
    def _clock(self) -> Any:
        return self.client(CLOCK_S)

    def age_s(self, key: str) -> float:
        """Tell how long ago something was written: by the time of S3's answer, which each answer bears."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            head = self._clock.head_object(Bucket=self.bucket, Key=self.prefix + key)
            now = parsedate_to_datetime(head["ResponseMetadata"]["HTTPHeaders"]["date"])
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == HTTPStatus.NOT_FOUND:
                raise NotFoundError(key) from error
            if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                raise UnreadableError("store", f"{NOT_LET_IN} ({error})") from error
            raise UnavailableError("store", str(error)) from error
        except BotoCoreError as error:
            raise UnavailableError("store", str(error)) from error
        except (KeyError, ValueError) as error:
            raise UnreadableError("store", "it does not say what time it is: its answers need a Date") from error
        age: float = (now - head["LastModified"]).total_seconds()
        return age
