"""Ed25519 signatures (RFC 8032): who may publish, and what a client believes.

A signature covers a line that says what kind of file was signed, then the file's bytes: a signed entry can never be
passed off as a signed manifest.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable
from typing import Annotated, Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import AfterValidator, StringConstraints

from autodetect.errors import CorruptError
from autodetect.records import Record

SEED_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

Purpose = Literal["demo", "release"]
Signed = Literal["manifest", "history entry"]
KeyId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class ForgedError(CorruptError):
    """A signature is missing or wrong, or is one of a key that is not trusted here."""


def _of_bytes(count: int) -> AfterValidator:
    def check(text: str) -> str:
        if len(decode_base64(text)) != count:
            raise ValueError(f"these are not {count} bytes")
        return text

    return AfterValidator(check)


class Signature(Record):
    """A signature and the id of the key that made it."""

    key_id: KeyId
    signature: Annotated[str, _of_bytes(SIGNATURE_BYTES)]


class PublicKey(Record):
    """What a client trusts. A `demo` key is made without being asked for; nothing in production may rest on it."""

    algorithm: Literal["ed25519"] = "ed25519"
    public_key: Annotated[str, _of_bytes(SEED_BYTES)]
    purpose: Purpose

    @property
    def key_id(self) -> str:
        """Return the first 16 hexadecimal digits of the SHA-256 of the key's 32 bytes."""
        return hashlib.sha256(decode_base64(self.public_key)).hexdigest()[:16]

    def is_same(self, other: "PublicKey") -> bool:
        """Return whether these are the same 32 bytes, whatever is said of their purpose."""
        return self.public_key == other.public_key

    def has_signed(self, kind: Signed, data: bytes, signatures: Iterable[Signature]) -> bool:
        """Return whether one of the signatures is this key's, over these bytes."""
        key = Ed25519PublicKey.from_public_bytes(decode_base64(self.public_key))
        for each in signatures:
            if each.key_id == self.key_id:
                try:
                    key.verify(decode_base64(each.signature), _message(kind, data))
                except InvalidSignature:
                    continue
                return True
        return False


class PrivateKey:
    """What signs. It is never printed: its text is that of its public half."""

    def __init__(self, seed: bytes, purpose: Purpose) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._key.public_key().public_bytes_raw()
        self.public = PublicKey(public_key=encode_base64(public), purpose=purpose)

    @classmethod
    def generate(cls, purpose: Purpose) -> "PrivateKey":
        """Make a new key from the system's randomness."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw(), purpose)

    def sign(self, kind: Signed, data: bytes) -> Signature:
        """Sign the bytes; the same bytes give the same signature."""
        made = self._key.sign(_message(kind, data))
        return Signature(key_id=self.public.key_id, signature=encode_base64(made))

    def reveal(self) -> str:
        """Return the 32 secret bytes in base64, to be written to a key file and nowhere else."""
        return encode_base64(self._key.private_bytes_raw())

    def __repr__(self) -> str:
        return f"PrivateKey({self.public.key_id}, {self.public.purpose})"

    def __reduce__(self) -> tuple[str, ...]:
        raise TypeError("a private key is not pickled")


def encode_base64(data: bytes) -> str:
    """Return the bytes in standard base64."""
    return base64.b64encode(data).decode()


def decode_base64(text: str) -> bytes:
    """Return the bytes behind standard base64.

    Raises:
        ValueError: it is none, or not as `encode_base64` writes it.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("this is no base64") from error
    if encode_base64(data) != text:
        raise ValueError("this is not the one base64 text of its bytes")
    return data


def _message(kind: Signed, data: bytes) -> bytes:
    return f"AutoDetect {kind}\n".encode() + data
