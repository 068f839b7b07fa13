"""An object store in an S3 bucket (AWS, Ceph and others). boto3 is imported on first use."""

import base64
import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

from autodetect.errors import DependencyDownError, UsageError
from autodetect.lake.objects.base import ObjectMissingError, ObjectStore, checked_key, checked_prefix, polled
from autodetect.lake.objects.durable import CHUNK_BYTES
from autodetect.lake.objects.s3_client import S3Options, connect
from autodetect.lake.objects.s3_errors import status_of, told

CONFLICT_TRIES = 6
PARTS_AT_ONCE = 8


class S3Store(ObjectStore):
    """Objects below `prefix` in a bucket. Safe to share between threads; the first use connects."""

    def __init__(self, bucket: str, prefix: str = "", options: S3Options | None = None) -> None:
        self.bucket = bucket
        self.prefix = f"{checked_key(prefix)}/" if prefix else ""
        self.options = options or S3Options()
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")
        self._connected: Any = None
        self._lock = threading.Lock()

    def chunks(self, key: str) -> Iterator[bytes]:
        """Yield the object's bytes in pieces; a broken connection is taken up where it broke."""
        target = self._target(key)
        with self._told(key):
            yield from self._pieces(target, self._client().get_object(**target))

    def get_if_changed(self, key: str, etag: str | None) -> tuple[bytes, str] | None:
        """Ask in one conditional request (`If-None-Match`, answered by 304)."""
        from botocore.exceptions import ClientError

        target, condition = self._target(key), {} if etag is None else {"IfNoneMatch": etag}
        with self._told(key):
            try:
                answer = self._client().get_object(**target, **condition)
            except ClientError as error:
                if status_of(error) == 304:
                    return None
                raise
            return polled(self._pieces(target, answer), f"{self.url}/{key}"), str(answer["ETag"])

    def put(self, key: str, data: bytes) -> None:
        """Store the bytes; the server checks their MD5 and SHA-256."""
        with self._told(key):
            self._client().put_object(**self._target(key), Body=data, ContentMD5=_md5(data))

    def put_file(self, key: str, path: Path) -> None:
        """Store the file; the server checks the SHA-256 of every request.

        A file larger than a part goes in parts, several at once, which are dropped again if one of them fails.

        Raises:
            UsageError: the file cannot be read.
        """
        from boto3.exceptions import S3UploadFailedError

        if not path.is_file():
            raise UsageError(f"{path} is no file that could be stored in {self.url}", "check the path")
        target = self._target(key)
        with self._told(key):
            try:
                self._transfer.upload_file(path, target["Bucket"], target["Key"])
            except S3UploadFailedError as failed:  # it keeps what the server said as text only
                raise failed.__context__ or failed from None

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Store the bytes by a conditional put (`If-None-Match: *`); True for the one winner.

        The object carries a token of its writer: if the answer to a put that succeeded was lost, the repeated put is
        told that the key exists, and the token shows that it was this writer who made it. A 409 means that another
        conditional write was under way, to be tried again (as the S3 API reference says).
        """
        from botocore.exceptions import ClientError

        token, target, digest = uuid4().hex, self._target(key), _md5(data)
        with self._told(key):
            for turn in range(CONFLICT_TRIES):
                try:
                    self._client().put_object(
                        **target, Body=data, ContentMD5=digest, IfNoneMatch="*", Metadata={"writer": token}
                    )
                except ClientError as error:
                    if status_of(error) == 412:
                        return self._writer(key) == token
                    if status_of(error) != 409:
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
        with self._told():
            pages = self._client().get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=start):
                for entry in page.get("Contents", ()):
                    if not entry["Key"].endswith("/"):  # what browsers of buckets leave as a 'folder'
                        yield entry["Key"].removeprefix(self.prefix)

    def delete(self, key: str) -> None:
        """Remove the object; it is fine if nothing is there."""
        with self._told(key):
            self._client().delete_object(**self._target(key))

    def abort_unfinished(self, older_than: timedelta) -> int:
        """Drop the parts of uploads that began longer ago, by the server's clock, and were never completed."""
        from botocore.exceptions import ClientError

        dropped = 0
        with self._told():
            pages = self._client().get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix):
                now = parsedate_to_datetime(page["ResponseMetadata"]["HTTPHeaders"]["date"])
                for begun in page.get("Uploads", ()):
                    if now - begun["Initiated"] <= older_than:
                        continue
                    try:
                        self._client().abort_multipart_upload(
                            Bucket=self.bucket, Key=begun["Key"], UploadId=begun["UploadId"]
                        )
                    except ClientError as error:
                        if status_of(error) != 404:  # completed or dropped meanwhile
                            raise
                    else:
                        dropped += 1
        return dropped

    def endpoint(self) -> str:
        """Return the address that requests go to, as settings or AWS variables and files say; '' for AWS itself."""
        with self._told():
            url = str(self._client().meta.endpoint_url)
        return "" if ".amazonaws.com" in url else url

    def _pieces(self, target: dict[str, str], answer: Any) -> Iterator[bytes]:
        """Yield an answer's bytes; where the connection breaks, ask for the rest of the same version."""
        from botocore.exceptions import HTTPClientError, IncompleteReadError

        etag, done = answer["ETag"], 0
        for tries_left in reversed(range(self.options.attempts)):
            try:
                for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                    done += len(chunk)
                    yield chunk
            except (HTTPClientError, IncompleteReadError):
                if not tries_left:
                    raise
            else:
                return
            answer = self._client().get_object(**target, Range=f"bytes={done}-")
            if done and answer["ETag"] != etag:
                raise DependencyDownError(
                    f"{self.url}: '{target['Key']}' was replaced while it was being read", "run again"
                )
            etag = answer["ETag"]

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
                with self._told():
                    self._connected = connect(self.bucket, self.prefix, self.options)
            return self._connected

    @cached_property
    def _transfer(self) -> Any:
        """The manager of uploads: one for all threads, so that they share its connections."""
        from boto3.s3.transfer import S3Transfer, TransferConfig

        config = TransferConfig(
            multipart_threshold=self.options.part_bytes + 1,
            multipart_chunksize=self.options.part_bytes,
            max_concurrency=PARTS_AT_ONCE,
            preferred_transfer_client="classic",
        )
        return S3Transfer(self._client(), config)

    def _told(self, key: str = "") -> AbstractContextManager[None]:
        return told(self.options.place(self.url), self.bucket, key)


def _md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
