"""Signed manifests: the signatures lie beside the manifest and cover its bytes."""

from autodetect.errors import CorruptError
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.records import Record
from autodetect.release.layout import manifest_key, signatures_key
from autodetect.release.manifest import Manifest, decode, encode, manifest_from
from autodetect.release.signing import ForgedError, PrivateKey, PublicKey, Signature


class Signatures(Record):
    """All signatures of one file: more than one key signs while keys are rotated."""

    signatures: tuple[Signature, ...]


def sign_manifest(store: ObjectStore, release_id: str, key: PrivateKey) -> None:
    """Put the key's signature beside the manifest that the store holds; those of other keys stay.

    Raises:
        ObjectMissingError: there is no such manifest.
        CorruptError: the manifest is damaged.
    """
    data = store.get(manifest_key(release_id))
    manifest_from(data, release_id, f"{store.url}/{manifest_key(release_id)}")
    try:
        found = read_signatures(store, release_id).signatures
    except (ObjectMissingError, CorruptError):
        found = ()
    if not key.public.has_signed("manifest", data, found):
        others = [each for each in found if each.key_id != key.public.key_id]
        store.put(signatures_key(release_id), encode(Signatures(signatures=(*others, key.sign("manifest", data)))))


def read_signatures(store: ObjectStore, release_id: str) -> Signatures:
    """Return the signatures of a manifest.

    Raises:
        ObjectMissingError: there are none.
        CorruptError: their file is damaged.
    """
    key = signatures_key(release_id)
    return decode(Signatures, store.get(key), f"{store.url}/{key}")


def signed_manifest(store: ObjectStore, release_id: str, key: PublicKey) -> Manifest:
    """Return a manifest of the store that the key has signed.

    Raises:
        ObjectMissingError: there is no such manifest.
        ForgedError: the key has not signed it, or its signatures are missing.
        CorruptError: manifest or signatures are damaged.
        UsageError: a newer AutoDetect made it.
    """
    place = f"{store.url}/{manifest_key(release_id)}"
    data = store.get(manifest_key(release_id))
    try:
        signatures = store.get(signatures_key(release_id))
    except ObjectMissingError as error:
        raise ForgedError(
            f"the signatures of {place} are missing", "take another release, or restore them from a backup"
        ) from error
    return believed_manifest(data, signatures, release_id, key, place)


def believed_manifest(data: bytes, signatures: bytes, release_id: str, key: PublicKey, place: str) -> Manifest:
    """Return a manifest whose signature was checked before anything in it was read.

    Args:
        data: the manifest's bytes.
        signatures: the bytes of the file of signatures.
        release_id: the release that the history's entry names.
        key: the key that must have signed it.
        place: where the manifest was found, for messages.

    Raises:
        ForgedError: the key has not signed these bytes.
        CorruptError: the file of signatures is damaged, or the manifest is not what its id says.
        UsageError: a newer AutoDetect made it.
    """
    found = decode(Signatures, signatures, place.removesuffix(".json") + ".sig").signatures
    if not key.has_signed("manifest", data, found):
        raise ForgedError(
            f"the manifest {place} is not signed by the key {key.key_id}: it was changed, or another key made it",
            "take nothing from this store; ask who runs it",
        )
    return manifest_from(data, release_id, place)
