"""An object store in an S3 bucket (AWS, Ceph and others). boto3 is imported on first use."""

import base64
import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NoReturn
from uuid import uuid4

from pydantic import Field

from autodetect.errors import DependencyDownError, UsageError
from autodetect.lake.objects.base import ObjectMissingError, ObjectStore, checked_key, checked_prefix
from autodetect.lake.objects.durable import CHUNK_BYTES
from autodetect.records import Record

MAX_PUT_BYTES = 5 << 30  # the most that S3 takes in one request
CONFLICT_TRIES = 6
FIRST_ANSWER_SECONDS = 5.0  # two tries of this, connect included, tell a dead endpoint


class S3Options(Record):
    """How to reach the bucket; credentials come by the usual AWS variables, files or roles.

    Empty `endpoint_url` and `region` leave the choice to the AWS variables. `auto` addressing means paths wherever the
    endpoint is not AWS itself, because such servers seldom have a name for each bucket.
    """

    endpoint_url: str = ""
    region: str = ""
    addressing_style: Literal["auto", "path", "virtual"] = "auto"
    connect_timeout_s: float = Field(5.0, gt=0)
    read_timeout_s: float = Field(30.0, gt=0)
    attempts: int = Field(4, ge=1, description="tries of one request, the first included")


class S3Store(ObjectStore):
    """Objects below `prefix` in a bucket. Safe to share between threads.

    The first use lists at most one key with a short deadline, so that a dead endpoint, a wrong bucket or wrong
    credentials are told at once and not as a missing object.
    """

    def __init__(self, bucket: str, prefix: str = "", options: S3Options | None = None) -> None:
        self.bucket = bucket
        self.prefix = f"{checked_key(prefix)}/" if prefix else ""
        self.options = options or S3Options()
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")
        self._connected: Any = None
        self._lock = threading.Lock()

    def chunks(self, key: str) -> Iterator[bytes]:
        """Yield the object's bytes in pieces; a broken connection is taken up where it broke."""
        from botocore.exceptions import HTTPClientError, IncompleteReadError

        target, done, etag = self._target(key), 0, None
        for tries_left in reversed(range(self.options.attempts)):
            with self._told(key):
                span = {"Range": f"bytes={done}-"} if done else {}
                answer = self._client().get_object(**target, **span)
                if etag not in {None, answer["ETag"]}:
                    raise DependencyDownError(f"{self.url}/{key} was replaced while it was being read", "run again")
                etag = answer["ETag"]
                try:
                    for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                        done += len(chunk)
                        yield chunk
                except (HTTPClientError, IncompleteReadError):
                    if not tries_left:
                        raise
                else:
                    return

    def put(self, key: str, data: bytes) -> None:
        """Store the bytes; the server checks their MD5."""
        with self._told(key):
            digest = hashlib.md5(data, usedforsecurity=False).digest()
            self._client().put_object(**self._target(key), Body=data, ContentMD5=_base64(digest))

    def put_file(self, key: str, path: Path) -> None:
        """Store the file in one request; the server checks its MD5.

        Raises:
            UsageError: the file cannot be read, or is larger than one request may be.
        """
        if not path.is_file():
            raise UsageError(f"{path} is no file that could be stored in {self.url}", "check the path")
        if (size := path.stat().st_size) > MAX_PUT_BYTES:
            raise UsageError(
                f"{path} has {size:,} bytes; one request to S3 takes {MAX_PUT_BYTES:,}", "store it in smaller parts"
            )
        with self._told(key), path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).digest()
            file.seek(0)
            self._client().put_object(**self._target(key), Body=file, ContentMD5=_base64(digest))

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Store the bytes by a conditional put (`If-None-Match: *`); True for the one winner.

        The object carries a token of its writer: if the answer to a put that succeeded was lost, the repeated put is
        told that the key exists, and the token shows that it was this writer who made it. A 409 means that another
        conditional write was under way, to be tried again (as the S3 API reference says).
        """
        from botocore.exceptions import ClientError

        token, target = uuid4().hex, self._target(key)
        digest = _base64(hashlib.md5(data, usedforsecurity=False).digest())
        with self._told(key):
            for turn in range(CONFLICT_TRIES):
                try:
                    self._client().put_object(
                        **target, Body=data, ContentMD5=digest, IfNoneMatch="*", Metadata={"writer": token}
                    )
                except ClientError as error:
                    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                    if status == 412:
                        return self._writer(key) == token
                    if status != 409:
                        raise
                    time.sleep(0.05 * 2**turn)
                else:
                    return True
        raise DependencyDownError(
            f"{self.url}/{key}: the store answered {CONFLICT_TRIES} times that another conditional write is under way",
            "run again",
        )

    def size(self, key: str) -> int:
        """Return the object's size in bytes."""
        with self._told(key):
            return int(self._client().head_object(**self._target(key))["ContentLength"])

    def list(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that start with the prefix, as the server sorts them: by their UTF-8 bytes."""
        start = self.prefix + checked_prefix(prefix)
        with self._told(prefix):
            pages = self._client().get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=start):
                for entry in page.get("Contents", ()):
                    if not entry["Key"].endswith("/"):  # what browsers of buckets leave as a 'folder'
                        yield entry["Key"].removeprefix(self.prefix)

    def delete(self, key: str) -> None:
        """Remove the object; it is fine if nothing is there."""
        with self._told(key):
            self._client().delete_object(**self._target(key))

    def endpoint(self) -> str:
        """Return the address that requests go to, as settings or AWS variables and files say; '' for AWS itself."""
        with self._told(""):
            url = str(self._client().meta.endpoint_url)
        return "" if ".amazonaws.com" in url else url

    def _target(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.prefix + checked_key(key)}

    def _writer(self, key: str) -> str:
        try:
            with self._told(key):
                return str(self._client().head_object(**self._target(key))["Metadata"].get("writer", ""))
        except ObjectMissingError:
            return ""

    def _client(self) -> Any:
        with self._lock:
            if self._connected is None:
                import boto3

                session = boto3.session.Session()  # one for both, because it reads large files of service descriptions
                first = self._new_client(session, FIRST_ANSWER_SECONDS, attempts=2)
                self._look(first)
                self._connected = self._new_client(session, self.options.read_timeout_s, self.options.attempts)
            return self._connected

    def _look(self, client: Any) -> None:
        from botocore.exceptions import ClientError

        try:
            client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix, MaxKeys=1)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                raise UsageError(
                    f"{self._where}: there is no bucket '{self.bucket}'",
                    "create it, or correct the URL and the endpoint",
                ) from error
            raise

    @property
    def _where(self) -> str:
        return f"{self.url} at {self.options.endpoint_url}" if self.options.endpoint_url else self.url

    def _new_client(self, session: Any, read_timeout: float, attempts: int) -> Any:
        from botocore.config import Config

        def client(style: str) -> Any:
            return session.client(
                "s3",
                endpoint_url=self.options.endpoint_url or None,
                region_name=self.options.region or None,
                config=Config(
                    connect_timeout=min(self.options.connect_timeout_s, read_timeout),
                    read_timeout=min(self.options.read_timeout_s, read_timeout),
                    retries={"mode": "standard", "total_max_attempts": attempts},
                    max_pool_connections=32,
                    s3={"addressing_style": style},
                    # The newer checksums are trailers that older servers (Ceph 16) do not know.
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                ),
            )

        style = self.options.addressing_style
        try:
            made = client("path" if style == "auto" and self.options.endpoint_url else style)
            if style != "auto" or self.options.endpoint_url or ".amazonaws.com" in made.meta.endpoint_url:
                return made
            return client("path")  # the endpoint came by an AWS variable
        except ValueError as error:
            raise UsageError(f"{self.url} cannot be opened: {error}", "correct s3.endpoint_url or s3.region") from error

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """Raise what boto3 raises as the error a person can act on."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            self._refused(error, key)
        except BotoCoreError as error:
            self._failed(error)

    def _refused(self, error: Any, key: str) -> NoReturn:
        code, status = error.response["Error"].get("Code", ""), error.response["ResponseMetadata"]["HTTPStatusCode"]
        what = f"{self._where} refused the request for '{key}': {code} (HTTP {status})"
        if code in {"NoSuchBucket", "InvalidBucketName"}:
            raise UsageError(
                f"{self._where}: there is no bucket '{self.bucket}'", "create it, or correct the URL"
            ) from error
        if status == 404:
            raise ObjectMissingError(f"{self.url} has no object '{key}'") from error
        if status in {401, 403}:
            raise UsageError(
                what, "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and that they may list, read and write here"
            ) from error
        if status in {301, 307, 400} and code != "BadDigest":
            raise UsageError(what, "check the region (s3.region) and the endpoint (s3.endpoint_url)") from error
        raise DependencyDownError(what, "wait until the store is well, then run again") from error

    def _failed(self, error: Any) -> NoReturn:
        from botocore.exceptions import ConnectionError as ConnectionFailedError
        from botocore.exceptions import HTTPClientError, IncompleteReadError

        if isinstance(error, ConnectionFailedError | HTTPClientError | IncompleteReadError):
            raise DependencyDownError(
                f"{self._where} does not answer: {error}",
                "check the endpoint, the network and the server, then run again",
            ) from error
        raise UsageError(
            f"{self._where} cannot be used: {error}",
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and check s3.endpoint_url and the bucket's name",
        ) from error


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
