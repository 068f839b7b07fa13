"""Signatures: Ed25519 as its standard says, over bytes that say what they are, and no private key is ever told."""

import base64
import copy
import hashlib
import json
import pickle
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from autodetect.errors import AutoDetectError
from autodetect.release import signing
from autodetect.release.history import HistoryEntry
from autodetect.release.manifest import decode, encode
from autodetect.release.signed import Signatures
from autodetect.release.signing import PrivateKey, PublicKey, Signature, decode_base64, encode_base64
from autodetect.release.trust import key_in_force
from tests.release.sample import KEY, NOW

OTHER = PrivateKey(bytes(32), "demo")
ORDER = 2**252 + 27742317777372353535851937790883648493  # of the group (RFC 8032, 5.1)

# RFC 8032, 7.1: secret key, public key, message, signature of TEST 1 to 3.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
            "655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
            "b00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
            "c027beceea1ec40a"
        ),
    ),
]


@pytest.mark.parametrize(("seed", "public", "message", "signature"), VECTORS)
def test_keys_and_signatures_are_those_of_rfc_8032(
    seed: str, public: str, message: str, signature: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = PrivateKey(bytes.fromhex(seed), "release")
    assert decode_base64(key.public.public_key).hex() == public
    assert key.public.key_id == hashlib.sha256(bytes.fromhex(public)).hexdigest()[:16]
    monkeypatch.setattr(signing, "_message", lambda _, data: data)  # without the line that is ours
    made = key.sign("manifest", bytes.fromhex(message))
    assert decode_base64(made.signature).hex() == signature
    assert key.public.has_signed("manifest", bytes.fromhex(message), [made])


def test_what_is_signed_begins_with_a_line_that_says_what_it_is() -> None:
    made = KEY.sign("manifest", b"{}")
    raw = KEY._key.sign(b"AutoDetect manifest\n{}")
    assert decode_base64(made.signature) == raw
    entry = KEY.sign("history entry", b"{}")
    assert decode_base64(entry.signature) == KEY._key.sign(b"AutoDetect history entry\n{}")


@given(st.binary(max_size=200))
def test_a_signature_of_one_kind_is_none_of_another(data: bytes) -> None:
    for kind, other in (("manifest", "history entry"), ("history entry", "manifest")):
        made = KEY.sign(kind, data)
        assert KEY.public.has_signed(kind, data, [made])
        assert not KEY.public.has_signed(other, data, [made])
        assert not OTHER.public.has_signed(kind, data, [made])


@given(st.binary(min_size=1, max_size=100), st.data())
def test_any_flipped_bit_of_data_signature_or_key_is_refused(data: bytes, draw: st.DataObject) -> None:
    made = KEY.sign("manifest", data)
    parts = [data, decode_base64(made.signature), decode_base64(KEY.public.public_key)]
    which = draw.draw(st.integers(0, 2))
    bit = draw.draw(st.integers(0, len(parts[which]) * 8 - 1))
    parts[which] = flipped(parts[which], bit)
    key = PublicKey(public_key=encode_base64(parts[2]), purpose="demo")
    signature = Signature(key_id=key.key_id, signature=encode_base64(parts[1]))
    assert not key.has_signed("manifest", parts[0], [signature])


def test_a_second_form_of_a_right_signature_is_refused() -> None:
    raw = decode_base64(KEY.sign("manifest", b"{}").signature)
    s = int.from_bytes(raw[32:], "little") + ORDER
    other = Signature(key_id=KEY.public.key_id, signature=encode_base64(raw[:32] + s.to_bytes(32, "little")))
    assert not KEY.public.has_signed("manifest", b"{}", [other])


def test_one_right_signature_among_wrong_ones_is_enough() -> None:
    right, stranger = KEY.sign("manifest", b"{}"), OTHER.sign("manifest", b"{}")
    wrong = KEY.sign("manifest", b"[]")
    posing = Signature(key_id=KEY.public.key_id, signature=stranger.signature)
    assert KEY.public.has_signed("manifest", b"{}", [stranger, wrong, posing, right])
    assert not KEY.public.has_signed("manifest", b"{}", [stranger, wrong, posing])


@pytest.mark.parametrize(
    "text", ["", "AAAA", "*" * 44, "A" * 43, "A" * 42 + "B=", "A" * 43 + "=\n", "_" * 43 + "=", "é"]
)
def test_a_public_key_has_one_text(text: str) -> None:
    with pytest.raises(ValidationError):
        PublicKey(public_key=text, purpose="release")
    assert PublicKey(public_key="A" * 43 + "=", purpose="release")


@given(st.binary(max_size=80))
def test_base64_is_read_back_and_only_in_the_one_form(data: bytes) -> None:
    text = encode_base64(data)
    assert decode_base64(text) == data
    for other in (text + "\n", text.rstrip("=") + "==", base64.urlsafe_b64encode(data).decode()):
        if other != text:
            with pytest.raises(ValueError, match="base64"):
                decode_base64(other)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_private_key_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32"):
        PrivateKey(bytes(length), "demo")


def test_a_private_key_shows_only_its_public_half() -> None:
    seed = bytes(range(32))
    key = PrivateKey(seed, "release")
    shown = f"{key} {key!r} {vars(key)} {[key]} {key.public!r}"
    for secret in (seed.hex(), repr(seed), key.reveal()):
        assert secret not in shown
    for take in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            take(key)


def test_generated_keys_differ() -> None:
    assert len({PrivateKey.generate("demo").public.key_id for _ in range(5)}) == 5


def entry(by: str = "", reason: str = "", *, rotation: bool = False, signers: int = 1) -> HistoryEntry:
    """An entry that `signers` keys signed, KEY the first of them."""
    made = HistoryEntry(
        sequence=7,
        release_id="a" * 64,
        action="rotate" if rotation else "rollback",
        created=NOW,
        expires=NOW + timedelta(days=30),
        key_since=1,
        new_key=OTHER.public if rotation else None,
        by=by,
        reason=reason,
    )
    return made.signed(*[KEY, OTHER, PrivateKey(bytes([7]) * 32, "demo")][:signers])


texts = st.text(st.characters(codec="utf-8")) | st.sampled_from(
    [',"signatures":[]}', '"', "\\", "}", '\\",\\"signatures\\":']
)


@given(texts, texts, st.booleans(), st.integers(1, 3))
def test_what_an_entry_signs_is_its_text_cut_short(by: str, reason: str, rotation: bool, signers: int) -> None:
    made = entry(by, reason, rotation=rotation, signers=signers)
    text = encode(made)
    assert list(json.loads(text))[-1] == "signatures"
    assert text.count(b',"signatures":') == 1
    assert text.partition(b',"signatures":')[0] + b"}" == made.signed_bytes
    assert decode(HistoryEntry, text, "here") == made
    assert made.is_signed_by(KEY.public)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(encode(entry("A. Smith", "why", rotation=True, signers=2))) * 8 - 1))
def test_any_flipped_bit_of_an_entry_is_refused(bit: int) -> None:
    text = encode(entry("A. Smith", "why", rotation=True, signers=2))
    with pytest.raises(AutoDetectError):
        key_in_force(decode(HistoryEntry, flipped(text, bit), "here"), pytest.fail, KEY.public, "here")


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_flipped_bit_of_a_manifests_signatures_is_refused(draw: st.DataObject) -> None:
    text = encode(Signatures(signatures=(KEY.sign("manifest", b"{}"),)))
    changed = flipped(text, draw.draw(st.integers(0, len(text) * 8 - 1)))
    try:
        found = decode(Signatures, changed, "here").signatures
    except AutoDetectError:
        return
    assert not KEY.public.has_signed("manifest", b"{}", found)


def flipped(data: bytes, bit: int) -> bytes:
    """The bytes with one bit the other way."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
