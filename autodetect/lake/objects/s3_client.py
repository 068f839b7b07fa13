"""How an S3 client is made: endpoint, addressing, retries, checksums. boto3 is imported on first use."""

from typing import Any, Literal

from pydantic import Field

from autodetect.errors import UsageError
from autodetect.records import Record

# What an answer must have that was not cut short: these headers, or a body.
_HEADERS = {"GetObject": ("ETag", "Content-Length"), "HeadObject": ("ETag", "Content-Length"), "UploadPart": ("ETag",)}
_BODIES = frozenset({"ListObjectsV2", "ListMultipartUploads", "CreateMultipartUpload", "CompleteMultipartUpload"})

FIRST_ANSWER_SECONDS = 5.0  # two tries of this, connect included, tell a dead endpoint
CONNECTIONS = 32


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
    part_bytes: int = Field(32 << 20, ge=5 << 20, description="larger files are sent in parts of this")

    def place(self, url: str) -> str:
        """Return where requests go, for an error: the store's URL and, where one is set, the endpoint."""
        return f"{url} at {self.endpoint_url}" if self.endpoint_url else url


def connect(bucket: str, prefix: str, options: S3Options) -> Any:
    """Return a boto3 client that has listed at most one key below the prefix, with a short deadline.

    A dead endpoint, a wrong bucket or wrong credentials are so told at once and not as a missing object. What boto3
    raises is for `s3_errors.told`.

    Raises:
        UsageError: endpoint or region are none.
    """
    import boto3

    session = boto3.session.Session()  # one for both, because it reads large files of service descriptions
    first = _new_client(session, options, FIRST_ANSWER_SECONDS, attempts=2)
    first.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    return _new_client(session, options, options.read_timeout_s, options.attempts)


def _new_client(session: Any, options: S3Options, read_timeout: float, attempts: int) -> Any:
    from botocore.config import Config

    def client(style: str) -> Any:
        made = session.client(
            "s3",
            endpoint_url=options.endpoint_url or None,
            region_name=options.region or None,
            config=Config(
                connect_timeout=min(options.connect_timeout_s, read_timeout),
                read_timeout=min(options.read_timeout_s, read_timeout),
                retries={"mode": "standard", "total_max_attempts": attempts},  # exponential backoff with jitter
                max_pool_connections=CONNECTIONS,
                # Every request carries the SHA-256 of its body, over https too: the server refuses what was damaged.
                s3={"addressing_style": style, "payload_signing_enabled": True},
                # The newer checksums are trailers that older servers (Ceph 16) do not know.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        made.meta.events.register("before-parse.s3", _refuse_cut_answer)
        return made

    style = options.addressing_style
    try:
        made = client("path" if style == "auto" and options.endpoint_url else style)
        if style != "auto" or options.endpoint_url or ".amazonaws.com" in made.meta.endpoint_url:
            return made
        return client("path")  # the endpoint came by an AWS variable
    except ValueError as error:
        raise UsageError(f"no S3 client can be made: {error}", "correct s3.endpoint_url or s3.region") from error


def _refuse_cut_answer(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Take an answer that ended early for a failure of the server: it is asked again.

    To Python's `http.client` the end of the connection is also the end of the headers, and to botocore an empty body is
    an answer without facts: a listing cut there would say that the store is empty.
    """
    name, headers = operation_model.name, response_dict["headers"]
    whole = all(headers.get(header) for header in _HEADERS.get(name, ()))
    if response_dict["status_code"] in {200, 206} and not (whole and (response_dict["body"] or name not in _BODIES)):
        response_dict.update(status_code=500, body=b"")
