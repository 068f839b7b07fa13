"""A lake as a whole: one root with tables, photos, models, lease and receipts."""

import json
from dataclasses import dataclass

from pyarrow import fs

from autodetect.errors import UsageError
from autodetect.lake.blobs import BlobStore
from autodetect.lake.objects import LocalStore, ObjectStore, S3Options, S3Store, open_objects, probe_put_if_absent
from autodetect.lake.receipts import ReceiptBook
from autodetect.lake.schemas import SCHEMA_VERSION
from autodetect.lake.tables import TableSet
from autodetect.settings import Settings

IDENTITY = "lake.json"


@dataclass(frozen=True)
class Lake:
    """One lake: `tables` (Delta), `objects` (everything else) and what is built on them."""

    url: str
    tables: TableSet
    objects: ObjectStore

    @property
    def photos(self) -> BlobStore:
        """Return the photo store."""
        return BlobStore(self.objects, "photos")

    @property
    def artifacts(self) -> BlobStore:
        """Return the store of models, packages and price files."""
        return BlobStore(self.objects, "artifacts")

    @property
    def receipts(self) -> ReceiptBook:
        """Return the book of receipts."""
        return ReceiptBook(self.tables)


def s3_options(settings: Settings) -> S3Options:
    """Return how S3-compatible storage is reached, from the settings."""
    return S3Options(**settings.s3.model_dump())


def lake_exists(settings: Settings) -> bool:
    """Return whether there is a lake where the settings say; raises `DependencyDownError` as `open_lake` does."""
    return open_objects(settings.lake, s3_options(settings)).exists(IDENTITY)


def open_lake(settings: Settings, *, create: bool = False) -> Lake:
    """Open the lake that `settings.lake` names.

    Args:
        settings: where the lake is and what it must be for.
        create: make a new lake (tables, identity) where there is none.

    Raises:
        UsageError: no lake there and `create` is false; it belongs to another source or channel, or was written by
            another schema version; its store ignores put-if-absent.
        DependencyDownError: the storage does not answer.
    """
    objects = open_objects(settings.lake, s3_options(settings))
    lake = Lake(settings.lake, _tables(settings, objects), objects)
    identity = {"schema_version": SCHEMA_VERSION, "source": settings.source, "channel": settings.channel}
    if not objects.exists(IDENTITY):
        if not create:
            raise UsageError(
                f"there is no lake at {settings.lake}", "run `autodetect nightly` first, or name another with --lake"
            )
        if not settings.single_writer:
            probe_put_if_absent(objects)
        lake.tables.create()
        objects.put_if_absent(IDENTITY, json.dumps(identity, sort_keys=True).encode())
    found = json.loads(objects.get(IDENTITY))
    for name, ours in identity.items():
        if found.get(name) != ours:
            remedy = f"use its own {name}, or another --lake"
            if name == "schema_version":
                remedy = "use the AutoDetect that wrote it, or start a new lake"
            raise UsageError(f"the lake {settings.lake} has {name} {found.get(name)!r}, this run {ours!r}", remedy)
    return lake


def _tables(settings: Settings, objects: ObjectStore) -> TableSet:
    if isinstance(objects, LocalStore):
        root = objects.root / "tables"
        return TableSet(str(root), {}, fs.SubTreeFileSystem(str(root), fs.LocalFileSystem()))
    assert isinstance(objects, S3Store)
    root_url = settings.lake.rstrip("/") + "/tables"
    options = {"aws_conditional_put": "etag"}
    # pyarrow does not read AWS_ENDPOINT_URL: one address for all three clients, the one that boto3 found.
    region, endpoint = settings.s3.region, objects.endpoint()
    if region:
        options["AWS_REGION"] = region
    if endpoint:
        options |= {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": str(endpoint.startswith("http://")).lower()}
    native = fs.S3FileSystem(region=region or None, endpoint_override=endpoint or None)
    return TableSet(root_url, options, fs.SubTreeFileSystem(root_url.removeprefix("s3://"), native))
