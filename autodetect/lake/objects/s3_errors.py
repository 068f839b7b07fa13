"""What an S3 server or boto3 says, as the error a person can act on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from autodetect.errors import DependencyDownError, UsageError
from autodetect.lake.objects.base import ObjectMissingError

# The bytes that arrived are not those that were sent.
_DAMAGED = frozenset({"BadDigest", "XAmzContentSHA256Mismatch"})


def status_of(error: Any) -> int:
    """Return the HTTP status of a `ClientError`."""
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


def code_of(error: Any) -> str:
    """Return what S3 calls a `ClientError`, such as `NoSuchUpload`."""
    return str(error.response["Error"].get("Code", ""))


@contextmanager
def told(place: str, bucket: str, key: str = "") -> Iterator[None]:
    """Raise what boto3 raises in the block as an `AutoDetectError`.

    Args:
        place: the store, and the endpoint where one is set.
        bucket: its bucket.
        key: what is read or written; empty where the bucket as a whole is asked, so that a 404 means the bucket.

    Raises:
        ObjectMissingError: there is no such object.
        UsageError: no access, no such bucket, a wrong region, or credentials that are none.
        DependencyDownError: the server does not answer, or answers that it cannot.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        _refused(error, place, bucket, key)
    except BotoCoreError as error:
        _failed(error, place)


def _refused(error: Any, place: str, bucket: str, key: str) -> NoReturn:
    code, status = code_of(error), status_of(error)
    about = f" for '{key}'" if key else ""
    what = f"{place} refused the request{about}: {code} (HTTP {status})"
    if code in {"NoSuchBucket", "InvalidBucketName"} or (status == 404 and not key):
        raise UsageError(
            f"{place}: there is no bucket '{bucket}'", "create it, or correct the URL and the endpoint"
        ) from error
    if code == "NoSuchUpload":
        raise DependencyDownError(f"{what}: somebody dropped the parts that were sent", "run again") from error
    if status == 404:
        raise ObjectMissingError(f"{place} has no object '{key}'") from error
    if code == "RequestTimeTooSkewed":
        raise UsageError(f"{what}: its clock and this machine's differ", "set this machine's clock") from error
    if status in {401, 403}:
        raise UsageError(
            what, "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and that they may list, read and write here"
        ) from error
    if status in {301, 307, 400} and code not in _DAMAGED:
        raise UsageError(what, "check the region (s3.region) and the endpoint (s3.endpoint_url)") from error
    raise DependencyDownError(what, "wait until the store is well, then run again") from error


def _failed(error: Any, place: str) -> NoReturn:
    from botocore.exceptions import ConnectionError as ConnectionFailedError
    from botocore.exceptions import HTTPClientError, IncompleteReadError

    if isinstance(error, ConnectionFailedError | HTTPClientError | IncompleteReadError):
        raise DependencyDownError(
            f"{place} does not answer: {error}",
            "check the endpoint, the network and the server, then run again",
        ) from error
    raise UsageError(
        f"{place} cannot be used: {error}",
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and check s3.endpoint_url and the bucket's name",
    ) from error
