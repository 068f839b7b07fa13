"""Key files: their owner's alone, never overwritten, and whatever is wrong with one is told without telling the key."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autodetect.errors import UsageError
from autodetect.release.keys import (
    KeyFile,
    public_path,
    read_key,
    read_public,
    signing_key,
    trusted_if_any,
    trusted_key,
    write_key,
    write_public,
)
from autodetect.release.signing import PrivateKey, PublicKey, encode_base64
from autodetect.settings import Settings

SEED = bytes(range(100, 132))
KEY = PrivateKey(SEED, "release")
SECRETS = (KEY.reveal(), KEY.reveal()[:20], SEED.hex(), repr(SEED))
GOOD = KeyFile(private_key=KEY.reveal(), purpose="release").model_dump_json().encode()
ROOT = Path(__file__).parents[2]


def using(folder: Path, channel: str = "production", **release: Any) -> Settings:
    return Settings(channel=channel, release={"key_file": str(folder / "signing.json"), **release})  # type: ignore[arg-type]


def refusal(path: Path) -> UsageError:
    with pytest.raises(UsageError) as refused:
        read_key(path)
    told = f"{refused.value} {refused.value!r} {refused.value.__cause__!r}"
    assert str(path) in told
    assert not [secret for secret in SECRETS if secret in told]
    return refused.value


def private(path: Path, data: bytes = GOOD) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_key_is_written_for_its_owner_alone_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "keys" / "signing.json"
    before = os.umask(0)
    try:
        assert write_key(path, KEY)
        write_public(public_path(path), KEY.public)
    finally:
        os.umask(before)
    assert (mode(path), mode(path.parent), mode(path.parent.parent)) == (0o600, 0o700, 0o777)
    assert public_path(path).name == "signing.pub.json"
    assert read_key(path).public == KEY.public
    assert read_key(path).reveal() == KEY.reveal()
    assert read_public(public_path(path)) == KEY.public
    assert sorted(each.name for each in path.parent.iterdir()) == ["signing.json", "signing.pub.json"]


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o755)
    write_key(folder / "signing.json", KEY)
    assert mode(folder) == 0o755


@pytest.mark.parametrize("taken", ["file", "folder", "link", "dangling link"])
def test_nothing_is_ever_overwritten(tmp_path: Path, taken: str) -> None:
    path, other = tmp_path / "signing.json", tmp_path / "other"
    if taken == "file":
        path.write_bytes(b"mine")
    elif taken == "folder":
        path.mkdir()
    else:
        path.symlink_to(other)
        if taken == "link":
            other.write_bytes(b"mine")
    assert not write_key(path, KEY)
    with pytest.raises(UsageError, match="is there already"):
        write_public(path, KEY.public)
    for each in (path, other):
        assert not each.is_file() or each.read_bytes() == b"mine"
    assert taken != "dangling link" or not other.exists()


def test_a_public_half_that_is_there_already_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "app.json"
    write_public(path, KEY.public)
    before = path.read_bytes()
    write_public(path, KEY.public)
    assert path.read_bytes() == before
    with pytest.raises(UsageError, match="something else"):
        write_public(path, PrivateKey.generate("release").public)
    assert path.read_bytes() == before


@pytest.mark.parametrize("others", [0o040, 0o020, 0o010, 0o004, 0o002, 0o001, 0o044])
def test_a_key_that_others_may_use_is_refused_with_the_remedy(tmp_path: Path, others: int) -> None:
    path = private(tmp_path / "it's mine.json")
    path.chmod(0o600 | others)
    refused = refusal(path)
    assert f"{0o600 | others:04o}" in refused.what
    assert f"chmod 600 '{tmp_path}/it'\"'\"'s mine.json'" in refused.remedy
    path.chmod(0o400)
    assert read_key(path).public == KEY.public


def test_a_link_is_followed_to_a_key_that_must_be_its_owners_too(tmp_path: Path) -> None:
    path = tmp_path / "signing.json"
    path.symlink_to(private(tmp_path / "mounted"))
    assert read_key(path).public == KEY.public
    (tmp_path / "mounted").chmod(0o644)
    assert "chmod 600" in refusal(path).remedy
    (tmp_path / "mounted").unlink()
    assert "a link to a file that is not there" in refusal(path).what
    path.unlink()
    path.symlink_to(path)
    assert "cannot be read" in refusal(path).what


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (GOOD[:-20], "no whole JSON"),
        (b"\xef\xbb\xbf" + GOOD, "byte order mark"),
        (b"\xff\xfe" + GOOD.decode().encode("utf-16-le"), "byte order mark"),
        (KEY.reveal().encode(), "no whole JSON"),
        (GOOD.replace(b"ed25519", b"rsa"), "'algorithm' is missing or wrong"),
        (GOOD.replace(b'"release"', b'"root"'), "'purpose' is missing or wrong"),
        (KEY.public.model_dump_json().encode(), "'private_key' is missing or wrong"),
        (GOOD[:-1] + b',"' + KEY.reveal().encode() + b'":1}', "something that a key does not say"),
        (b"[" + GOOD + b"]", "no whole JSON"),
        (GOOD.replace(KEY.reveal().encode(), encode_base64(SEED[:-1]).encode()), "no Ed25519 key"),
        (GOOD.replace(KEY.reveal().encode(), encode_base64(SEED + b"1").encode()), "no Ed25519 key"),
        (GOOD.replace(KEY.reveal().encode(), KEY.reveal().rstrip("=").encode()), "no Ed25519 key"),
        (GOOD[:-1] + b" " * 5000 + b"}", "longer than"),
        (GOOD + GOOD, "no whole JSON"),
    ],
    ids=range(16),
)
def test_what_is_no_key_is_told_and_the_key_is_not(tmp_path: Path, data: bytes, words: str) -> None:
    assert words in refusal(private(tmp_path / "signing.json", data)).what


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_however_a_key_file_is_damaged_the_key_is_not_told(tmp_path: Path, draw: st.DataObject) -> None:
    start = draw.draw(st.integers(0, len(GOOD)))
    data = GOOD[:start] + draw.draw(st.binary(max_size=3)) + GOOD[draw.draw(st.integers(start, len(GOOD))) :]
    path = private(tmp_path / "signing.json", data)
    told = ""
    try:
        read_key(path)
    except UsageError as error:
        told = f"{error} {error.__cause__!r}"
    assert not [secret for secret in SECRETS if secret in told]


def test_line_ends_of_an_editor_do_no_harm(tmp_path: Path) -> None:
    for number, data in enumerate([GOOD + b"\r\n", GOOD.replace(b",", b",\r\n"), b"\n" + GOOD]):
        assert read_key(private(tmp_path / str(number), data)).public == KEY.public


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(tmp_path / "absent.json").what
    assert "Is a directory" in refusal(tmp_path).what
    assert "Not a directory" in refusal(private(tmp_path / "file") / "signing.json").what
    assert "null" in refusal(tmp_path / "a\0b").what
    for path in (tmp_path / "file" / "signing.json", tmp_path / ("x" * 300), tmp_path / "a\0b"):
        with pytest.raises(UsageError, match="cannot be written"):
            write_key(path, KEY)
        with pytest.raises(UsageError, match="cannot be written"):
            write_public(path, KEY.public)


def test_the_demo_channel_alone_makes_a_key_and_keeps_it(tmp_path: Path) -> None:
    for channel in ("production", "candidate"):
        with pytest.raises(UsageError, match="there is no such file") as refused:
            signing_key(using(tmp_path, channel))
        assert "autodetect release keygen" in refused.value.remedy
    with pytest.raises(UsageError, match="there is no such file"):
        signing_key(using(tmp_path, "demo"), make=False)
    assert list(tmp_path.iterdir()) == []
    made = signing_key(using(tmp_path, "demo"))
    assert made.public.purpose == "demo"
    before = tmp_path.stat().st_mtime_ns
    for channel in ("demo", "production"):
        assert signing_key(using(tmp_path, channel)).public == made.public
    assert tmp_path.stat().st_mtime_ns == before  # a folder that may only be read is enough
    assert mode(tmp_path / "signing.json") == 0o600


def test_a_demo_key_file_that_is_damaged_is_not_replaced(tmp_path: Path) -> None:
    path = private(tmp_path / "signing.json", b"{")
    with pytest.raises(UsageError, match="no whole JSON"):
        signing_key(using(tmp_path, "demo"))
    path.unlink()
    path.symlink_to(tmp_path / "absent")
    with pytest.raises(UsageError, match="link to a file that is not there"):
        signing_key(using(tmp_path, "demo"))
    assert not (tmp_path / "absent").exists()


def test_nights_that_make_the_demo_key_at_once_end_with_one(tmp_path: Path) -> None:
    script = (
        "import sys; from autodetect.release.keys import signing_key; from autodetect.settings import Settings\n"
        "settings = Settings(release={'key_file': sys.argv[1]}); print('ready', flush=True); sys.stdin.readline()\n"
        "print(signing_key(settings).public.key_id)"
    )
    path = tmp_path / "var" / "keys" / "signing.json"
    nights = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for night in nights:
        assert night.stdout is not None
        assert night.stdout.readline() == "ready\n"
    for night in nights:
        assert night.stdin is not None
        night.stdin.write("\n")
        night.stdin.flush()
    ids = {night.communicate(timeout=60)[0] for night in nights}
    assert ids == {read_key(path).public.key_id + "\n"}
    assert [each.name for each in path.parent.iterdir()] == ["signing.json"]


def test_a_key_of_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    write_key(tmp_path / "signing.json", PrivateKey.generate("demo"))
    for text in (KEY.reveal(), KEY.reveal() + "\n", f" {KEY.reveal()}\r\n"):
        found = using(tmp_path, key=text)
        assert signing_key(found).public == KEY.public
        assert trusted_key(found) == KEY.public
    for wrong in (KEY.reveal()[:-4], KEY.reveal() + "AAAA", SEED.hex(), "sesame"):
        with pytest.raises(UsageError, match="AUTODETECT_RELEASE__KEY holds no Ed25519 key") as refused:
            signing_key(using(tmp_path, key=wrong))
        assert not [secret for secret in (*SECRETS, "sesame") if secret in str(refused.value)]


def test_the_trusted_key_is_the_one_named_else_that_of_the_signing_key(tmp_path: Path) -> None:
    other = PrivateKey.generate("release").public
    write_public(tmp_path / "app.json", other)
    (tmp_path / "bare.txt").write_text(other.public_key + "\r\n")
    with pytest.raises(UsageError, match="nothing says whose releases to trust") as refused:
        trusted_key(using(tmp_path, "demo"))
    assert "release.trusted_key" in refused.value.remedy
    assert trusted_if_any(using(tmp_path, "demo")) is None
    assert not (tmp_path / "signing.json").exists()
    write_key(tmp_path / "signing.json", KEY)
    assert trusted_key(using(tmp_path)) == KEY.public
    for named in (tmp_path / "app.json", tmp_path / "bare.txt", other.public_key, f" {other.public_key}\n"):
        assert trusted_key(using(tmp_path, trusted_key=str(named))) == other


def test_a_demo_key_stays_one_in_its_public_file(tmp_path: Path) -> None:
    demo = PrivateKey.generate("demo").public
    write_public(tmp_path / "demo.json", demo)
    assert read_public(tmp_path / "demo.json").purpose == "demo"
    assert read_public(demo.public_key) == PublicKey(public_key=demo.public_key, purpose="release")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (GOOD, "it is a private key"),
        (GOOD[:-3], "it is a private key"),
        (b"{}", "'public_key' is missing or wrong; 'purpose' is missing or wrong"),
        (KEY.public.model_dump_json().replace("=", "").encode(), "'public_key' is missing or wrong"),
        (KEY.public.model_dump_json().replace("ed25519", "x25519").encode(), "'algorithm' is missing or wrong"),
        (b"\xef\xbb\xbf" + KEY.public.model_dump_json().encode(), "byte order mark"),
        (KEY.public.public_key[:-2].encode(), "no whole JSON"),
    ],
    ids=range(8),
)
def test_what_is_no_public_key_is_told(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "app.json"
    path.write_bytes(data)
    with pytest.raises(UsageError) as refused:
        read_public(path)
    assert words in refused.value.what
    assert not [secret for secret in SECRETS if secret in str(refused.value)]


def test_a_public_key_that_is_not_there_is_told(tmp_path: Path) -> None:
    for place in (tmp_path / "absent.json", tmp_path, "nonsense"):
        with pytest.raises(UsageError, match="the public key"):
            read_public(place)
