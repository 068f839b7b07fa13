"""Photo intake: each new photo is described once, screened, and embedded, whatever company it comes in."""

import io
from datetime import date
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image, ImageDraw

from autodetect.dataset import photo_intake, shard_work
from autodetect.dataset.embedding import Embedder
from autodetect.dataset.photo_intake import Intake, take_in
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.engine import from_bytes
from autodetect.embeddings.imagenet_head import ImageNetHead
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import EMBEDDINGS, PHOTOS
from autodetect.lake.tables import rows_of
from autodetect.settings import Settings
from autodetect.validation.check import check
from autodetect.validation.suites.photos import photo_suite
from crawlers.sandbox.painting.tampering import broken

SETTINGS = Settings().with_values({"backbone.batch_size": 4, "backbone.engine": "keras"})
NIGHT = date(2026, 11, 1)
SIDE = 96
RECORD = BackboneRecord(requested="random", resolved="random", seed=0, input_size=SIDE, preprocessing="p", digest="d")


def picture(seed: int) -> bytes:
    """A JPEG of coarse random blots with a photograph's grain."""
    rng = np.random.default_rng(seed)
    blots = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize(
        (240, 180), Image.Resampling.BICUBIC
    )
    grain = rng.integers(-12, 13, (180, 240, 1), dtype=np.int16)
    return saved(Image.fromarray(np.clip(np.asarray(blots, np.int16) + grain, 0, 255).astype(np.uint8)))


def card() -> bytes:
    """A drawn placeholder."""
    image = Image.new("RGB", (240, 180), "white")
    ImageDraw.Draw(image).text((60, 80), "No photo available", fill="grey")
    return saved(image)


def saved(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, "JPEG", quality=90)
    return target.getvalue()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return open_lake(Settings(lake=str(tmp_path_factory.mktemp("lake") / "lake")), create=True)


@pytest.fixture(autouse=True)
def small_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backbone that answers with a photo's mean colour: what is tested is not the network."""
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), keras.layers.GlobalAveragePooling2D()])
    monkeypatch.setattr(photo_intake, "pinned", lambda *_: RECORD)
    monkeypatch.setattr(shard_work, "load_backbone", lambda *_: model)


def taken(new: list[str], lake: Lake) -> Intake:
    for key in list(lake.objects.list("embeddings/")):  # or they would be found there, not embedded
        lake.objects.delete(key)
    return take_in(sorted(new), Embedder(lake, SETTINGS, Path()), night=NIGHT)


def test_every_photo_is_described_and_every_readable_one_embedded(lake: Lake) -> None:
    sound = [lake.photos.put(picture(seed)) for seed in range(9)]
    bad = {kind: lake.photos.put(broken(picture(99), kind)) for kind in ("truncated", "html", "empty", "pixel")}
    intake = taken([*sound, *bad.values()], lake)
    assert set(intake.rows) == {*sound, *bad.values()}
    assert intake.embeddings["sha256"].to_pylist() == sorted(sound)
    facts = {row["sha256"]: row for row in intake.facts.to_dict("records")}
    assert {kind: facts[sha256]["defect"] for kind, sha256 in bad.items() if kind != "pixel"} == {
        "truncated": "photo.truncated",
        "html": "photo.not_an_image",
        "empty": "photo.empty",
    }
    assert intake.facts.set_index("sha256")["defect"][[bad["pixel"], *sound]].isna().all()
    assert facts[bad["pixel"]]["short_side"] == 1
    for sha256 in sound:
        row = intake.rows[sha256]
        assert (row["format"], row["width"], row["height"], row["night"]) == ("JPEG", 240, 180, NIGHT)
        assert row["bytes"] == len(lake.photos.read(sha256))
        assert facts[sha256]["contrast"] > 20
    rows_of(PHOTOS, intake.rows.values())
    assert (intake.embeddings.schema, intake.embeddings.num_rows) == (EMBEDDINGS.schema, 9)


def test_the_suites_can_judge_what_the_intake_says(lake: Lake, tmp_path: Path) -> None:
    bad = {lake.photos.put(broken(picture(98), kind)): kind for kind in ("truncated", "html", "empty", "pixel")}
    intake = taken([lake.photos.put(picture(1)), *bad], lake)
    found = check([(photo_suite(SETTINGS), intake.facts)], docs=tmp_path, run_name=NIGHT.isoformat()).findings
    named = {finding.rule.name: {bad[sha256] for (sha256,), _ in finding.rows} for finding in found}
    assert named == {"photo.unreadable": {"truncated", "html", "empty"}, "photo.too_small": {"pixel"}}


def test_a_photos_row_and_vector_do_not_depend_on_its_company(lake: Lake) -> None:
    digests = [lake.photos.put(picture(seed)) for seed in range(11)]
    together = taken(digests, lake)
    for one in digests[:3]:
        apart = taken([one], lake)
        assert apart.rows[one] == together.rows[one]
        (vector,) = (row["vector"] for row in together.embeddings.to_pylist() if row["sha256"] == one)
        assert apart.embeddings["vector"].to_pylist() == [vector]
    assert from_bytes([vector], 3).shape == (1, 3)


def test_a_night_without_new_photos_takes_in_nothing(lake: Lake) -> None:
    intake = taken([], lake)
    assert (len(intake.facts), intake.rows, len(intake.embeddings), intake.judge([])) == (0, {}, 0, [])


def test_a_photo_that_breaks_a_rule_has_its_first_finding_for_a_verdict_and_no_vector(
    lake: Lake, tmp_path: Path
) -> None:
    sound, placeholder = lake.photos.put(picture(2)), lake.photos.put(card())
    blank, tiny = lake.photos.put(saved(Image.new("RGB", (240, 180), "grey"))), lake.photos.put(broken(b"", "pixel"))
    cut = lake.photos.put(broken(picture(97), "truncated"))
    intake = taken([sound, placeholder, blank, tiny, cut], lake)
    findings = check([(photo_suite(SETTINGS), intake.facts)], docs=tmp_path, run_name=NIGHT.isoformat()).findings
    refusals = intake.judge(findings)
    assert {sha256: row["verdict"] for sha256, row in intake.rows.items()} == {
        sound: "ok",
        placeholder: "photo.not_a_photograph",
        blank: "photo.blank",
        tiny: "photo.too_small",
        cut: "photo.truncated",
    }
    assert intake.sound == [sound]
    assert intake.embeddings["sha256"].to_pylist() == [sound]
    told = {refusal.key: (refusal.rule, refusal.value, refusal.effect) for refusal in refusals}
    assert told[placeholder][0] == "photo.not_a_photograph"
    assert told[placeholder][1].startswith("texture 0.0")
    assert "truncated" in told[cut][1]


def test_what_imagenet_sees_is_noted_or_refused(lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The last layer is made by hand: a wheel where a photo is red, a car where it is blue, an engine where green."""
    kernel = np.zeros((3, 1000), np.float32)
    kernel[0, 479] = kernel[1, 686] = kernel[2, 817] = 40
    monkeypatch.setattr(photo_intake, "load_imagenet_head", lambda *_: ImageNetHead(kernel, np.zeros(1000, np.float32)))

    def tinted(*tint: int) -> str:
        grey = np.asarray(Image.open(io.BytesIO(picture(7))).convert("L"), np.int16)[..., None]
        pixels = np.clip(grey // 2 + 64 + np.array(tint, np.int16), 0, 255).astype(np.uint8)
        return lake.photos.put(saved(Image.fromarray(pixels)))

    red, green, blue = tinted(40, -40, -40), tinted(-40, 40, -40), tinted(-40, -40, 40)
    intake = taken([red, green, blue], lake)
    findings = check([(photo_suite(SETTINGS), intake.facts)], docs=tmp_path, run_name=NIGHT.isoformat()).findings
    told = {refusal.key: (refusal.rule, refusal.effect) for refusal in intake.judge(findings)}
    assert told == {red: ("photo.wheel", "refused"), green: ("photo.engine", "noted")}
    assert intake.sound == sorted([green, blue])
