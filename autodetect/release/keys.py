"""Where the signing key comes from: a file, a setting of the environment, or, for demonstrations, made on first use."""

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from autodetect.errors import UsageError
from autodetect.lake.objects.durable import create_file
from autodetect.records import Record, canonical_json
from autodetect.release.signing import PrivateKey, PublicKey, Purpose, decode_base64
from autodetect.settings import Settings

KEYGEN = "make one with `autodetect release keygen FILE` and name it in release.key_file"


class KeyFile(Record):
    """A private key as its file holds it."""

    algorithm: Literal["ed25519"] = "ed25519"
    private_key: str
    purpose: Purpose


def signing_key(settings: Settings) -> PrivateKey:
    """Return the key that signs releases; on the demo channel one is made where there is none.

    Raises:
        UsageError: there is no key, or it cannot be read. What the file or the variable holds is not told.
    """
    if settings.release.key:
        return _from_seed(settings.release.key, "release", "the setting release.key")
    path = Path(settings.release.key_file)
    if not path.exists():
        if settings.channel != "demo":
            raise UsageError(f"there is no signing key {path}", KEYGEN)
        write_key(path, PrivateKey.generate("demo"))
    return read_key(path)


def write_key(path: Path, key: PrivateKey) -> bool:
    """Write a key file that its owner alone may read; False if the name is taken, whose file stays."""
    record = KeyFile(private_key=key.reveal(), purpose=key.public.purpose)
    return create_file(path, [canonical_json(record.model_dump(mode="json"))])


def read_key(path: Path) -> PrivateKey:
    """Return the key in a file that `write_key` wrote.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        record = KeyFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"the signing key {path} cannot be read: {error.strerror}", KEYGEN) from error
    except ValidationError:
        raise UsageError(f"{path} is no signing key", KEYGEN) from None
    return _from_seed(record.private_key, record.purpose, str(path))


def trusted_key(settings: Settings) -> PublicKey:
    """Return the key that a client of these settings trusts: the one named, else the public half of the signing key.

    Raises:
        UsageError: neither is there, or it cannot be read.
    """
    raise NotImplementedError


def _from_seed(text: str, purpose: Purpose, place: str) -> PrivateKey:
    try:
        return PrivateKey(decode_base64(text), purpose)
    except ValueError:
        raise UsageError(f"{place} holds no Ed25519 key (32 bytes in base64)", KEYGEN) from None
