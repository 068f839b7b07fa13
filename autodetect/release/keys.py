"""Where keys come from: a file, a variable of the environment, or, for demonstrations, made on first use.

Nothing here tells what a private key is, in no message and whatever is wrong with it.
"""

import os
import shlex
import stat
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final, Literal

from pydantic import Field, ValidationError

from autodetect.errors import UsageError
from autodetect.lake.objects.durable import PARTIAL_PREFIX, create_file, make_folder, sync_folder
from autodetect.records import Record, canonical_json
from autodetect.release.signing import PrivateKey, PublicKey, Purpose, decode_base64
from autodetect.settings import Settings

KEY_VARIABLE: Final = "AUTODETECT_RELEASE__KEY"
KEYGEN: Final = "make one with `autodetect release keygen FILE` and name it in release.key_file"
GET_PUBLIC: Final = "get the .pub.json beside the key that signs the store, and name it in release.trusted_key"
PUBLIC_SUFFIX: Final = ".pub.json"
MOST_BYTES: Final = 4096  # of a key file; ours have about 110
BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


class KeyFile(Record):
    """A private key as its file holds it."""

    algorithm: Literal["ed25519"] = "ed25519"
    private_key: str = Field(repr=False)
    purpose: Purpose


def signing_key(settings: Settings, *, make: bool = True) -> PrivateKey:
    """Return the key that signs releases; on the demo channel one is made where there is none, unless told not to.

    Raises:
        UsageError: there is no key, or it cannot be used.
    """
    if settings.release.key:
        return _from_seed(settings.release.key.strip(), "release", KEY_VARIABLE)
    path = Path(settings.release.key_file)
    if make and settings.channel == "demo" and not os.path.lexists(path):
        write_key(path, PrivateKey.generate("demo"))  # another night may be first: both then read its key
    return read_key(path)


def has_signing_key(settings: Settings) -> bool:
    """Return whether there is something where `signing_key` looks, usable or not."""
    return bool(settings.release.key) or os.path.lexists(settings.release.key_file)


def key_place(settings: Settings) -> str:
    """Return where `signing_key` looks, for messages."""
    return KEY_VARIABLE if settings.release.key else settings.release.key_file


def trusted_key(settings: Settings) -> PublicKey:
    """Return the key that a client of these settings trusts: the one named, else the public half of the signing key.

    Raises:
        UsageError: neither is there, or it cannot be used.
    """
    if found := trusted_if_any(settings):
        return found
    what = f"release.trusted_key is empty, and there is no signing key {settings.release.key_file} instead"
    raise UsageError(f"nothing says whose releases to trust: {what}", GET_PUBLIC)


def trusted_if_any(settings: Settings) -> PublicKey | None:
    """Return what `trusted_key` does, None where neither key is there.

    Raises:
        UsageError: one is there and cannot be used.
    """
    own = settings.release
    if own.trusted_key:
        return read_public(own.trusted_key)
    if has_signing_key(settings):
        return signing_key(settings, make=False).public
    return None


def public_path(path: Path) -> Path:
    """Return where the public half of the key in this file is kept: `signing.pub.json` for `signing.json`."""
    return path.with_suffix(PUBLIC_SUFFIX)


def write_key(path: Path, key: PrivateKey) -> bool:
    """Make a key file that its owner alone may read; False if the name is taken, whose file stays as it is.

    Raises:
        UsageError: it cannot be written.
    """
    record = KeyFile(private_key=key.reveal(), purpose=key.public.purpose)
    try:
        _make_private_folder(path.parent)
        with NamedTemporaryFile(dir=path.parent, prefix=PARTIAL_PREFIX) as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(canonical_json(record.model_dump(mode="json")) + b"\n")
            file.flush()
            os.fsync(file.fileno())
            try:
                os.link(file.name, path)
            except FileExistsError:
                return False
        sync_folder(path.parent)
    except (OSError, ValueError) as error:
        raise _untouchable("the key", path, "written", error) from error
    return True


def read_key(path: Path) -> PrivateKey:
    """Return the key in a file that `write_key` wrote.

    Raises:
        UsageError: it is missing, is no such key, or others may read it. What it holds is not told.
    """
    data, mode = _read(path, "the signing key", KEYGEN)
    try:
        record = KeyFile.model_validate_json(data)
    except ValidationError as error:
        raise UsageError(f"{path} is no signing key: {_why(data, error, KeyFile)}", KEYGEN) from None
    key = _from_seed(record.private_key, record.purpose, str(path))
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(
            f"others than its owner may use the signing key {path} (its mode is {mode:04o})",
            f"chmod 600 {shlex.quote(str(path))}, and rotate to a new key if somebody may have read it",
        )
    return key


def write_public(path: Path, key: PublicKey) -> None:
    """Make a file of the public key, which anyone may read; one that holds this key already stays.

    Raises:
        UsageError: it cannot be written, or the name is taken.
    """
    try:
        made = create_file(path, [canonical_json(key.model_dump(mode="json")) + b"\n"])
    except (OSError, ValueError) as error:
        raise _untouchable("the public key", path, "written", error) from error
    if not made and not _holds(path, key):
        raise UsageError(f"{path} is there already and holds something else", "name another file; none is overwritten")


def read_public(place: str | Path) -> PublicKey:
    """Return a public key from its file (as `write_public` writes it, or 44 characters of base64), or from such text.

    The bare text does not say what a key is for; whoever names it means it: it counts as a release key.

    Raises:
        UsageError: it is missing, or no public key.
    """
    if bare := _bare(str(place)):
        return bare
    data, _ = _read(Path(place), "the public key", GET_PUBLIC)
    if bare := _bare(data.decode(errors="replace")):
        return bare
    try:
        return PublicKey.model_validate_json(data)
    except ValidationError as error:
        why = _why(data, error, PublicKey)
    if b'"private_key"' in data:
        why = "it is a private key, which no client needs and nobody else should have"
    raise UsageError(f"{place} is no public key: {why}", GET_PUBLIC)


def _bare(text: str) -> PublicKey | None:
    try:
        return PublicKey(public_key=text.strip(), purpose="release")
    except ValidationError:
        return None


def _holds(path: Path, key: PublicKey) -> bool:
    try:
        return read_public(path) == key
    except UsageError:
        return False


def _from_seed(text: str, purpose: Purpose, place: str) -> PrivateKey:
    try:
        return PrivateKey(decode_base64(text), purpose)
    except ValueError:
        remedy = f"correct {place}, or unset it to use release.key_file" if place == KEY_VARIABLE else KEYGEN
        raise UsageError(f"{place} holds no Ed25519 key (32 bytes in base64)", remedy) from None


def _make_private_folder(folder: Path) -> None:
    """Make the folder, for its owner alone, and its parents; one that is there stays as it is."""
    make_folder(folder.parent)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    sync_folder(folder.parent)


def _read(path: Path, what: str, remedy: str) -> tuple[bytes, int]:
    """Return the file's bytes (at most a few too many) and its permissions."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1), stat.S_IMODE(os.fstat(file.fileno()).st_mode)
    except FileNotFoundError:
        how = "it is a link to a file that is not there" if path.is_symlink() else "there is no such file"
        raise UsageError(f"{what} {path} cannot be read: {how}", remedy) from None
    except (OSError, ValueError) as error:
        raise _untouchable(what, path, "read", error) from error


def _untouchable(what: str, path: Path, verb: str, error: OSError | ValueError) -> UsageError:
    why = error.strerror if isinstance(error, OSError) else error
    return UsageError(f"{what} {path} cannot be {verb}: {why}", "name another file, or give this user access to it")


def _why(data: bytes, error: ValidationError, kind: type[Record]) -> str:
    """Return what is wrong with a key file, in words that hold nothing of it."""
    if not data.strip():
        return "it is empty"
    if data.startswith(BYTE_ORDER_MARKS):
        return "it begins with a byte order mark; save it as plain UTF-8"
    if len(data) > MOST_BYTES:
        return f"it is longer than {MOST_BYTES} bytes"
    wrong = {str(each["loc"][0]) for each in error.errors() if each["loc"]}
    if not wrong:
        return "it is no whole JSON"
    named = [f"'{name}' is missing or wrong" for name in kind.model_fields if name in wrong]
    return "; ".join(named) or "it says something that a key does not say"
