"""From an address to where a client's bytes come from."""

from autodetect.lake.objects import S3Options, open_objects
from autodetect.release.client.http_source import HttpSource
from autodetect.release.client.source import Source


def open_source(url: str, s3: S3Options | None = None) -> Source:
    """Return the source behind `https://host/prefix`, `s3://bucket/prefix` or a folder; nothing is touched yet.

    Raises:
        UsageError: the URL names none of these.
    """
    return HttpSource(url) if url.startswith(("http://", "https://")) else open_objects(url, s3)
