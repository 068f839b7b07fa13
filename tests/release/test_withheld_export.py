"""Whole from export to answer: a damaged package keeps a new model at home, the next night lets it out."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autodetect.classifier.champion import Champion, ClassEntry, class_map_digest
from autodetect.classifier.gate import GateVerdict
from autodetect.classifier.head import build_head, save_head
from autodetect.coreml import packaging
from autodetect.coreml.export import export
from autodetect.embeddings import backbone
from autodetect.embeddings.pin import file_key, record_key
from autodetect.errors import HeldError
from autodetect.lake.schemas import CLASSES
from autodetect.lake.tables import rows_of
from autodetect.records import Receipt, Verdict
from autodetect.release.history import newest
from autodetect.release.identify import fetch, identify, read_photo
from autodetect.release.keys import trusted_key
from autodetect.release.manifest import Manifest
from autodetect.sections import BackboneSettings, ClassifierSettings, CoremlSettings
from autodetect.settings import Settings
from tests.release.model_release import photos
from tests.release.publishing import PASSED, Publishing
from tests.release.sample import NOW

FIRST, SECOND, THIRD = (date(2026, 11, day) for day in (1, 2, 3))
REFUSED = GateVerdict(promoted=False, words="refused: 40 % against 60 %", n=20)
OF_THE_MODEL = ("AutoDetect.mlpackage.zip", "champion.keras", "classes.json")


class Nights(Publishing):
    """Nights whose champions are real heads on a tiny backbone, exported for real."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        asked = BackboneSettings(weights="random", seed=1, input_size=96, architecture="tiny")
        built = backbone.build(asked)
        self.own = backbone.save(built.model, built.record, folder / "backbone.keras")
        self.lake.objects.put_file(file_key(self.own), folder / "backbone.keras")
        self.lake.objects.put(record_key(self.own.digest), self.own.model_dump_json().encode())
        coreml = CoremlSettings(variants=("fp16",), parity_photos=8)
        self.settings: Settings = self.settings.model_copy(update={"coreml": coreml})
        self.earlier: dict[str, Receipt] = {}

    def trained_head(self, night: date, class_ids: tuple[int, ...]) -> Champion:
        """A champion whose head is random, with its classes in the lake."""
        rng = np.random.default_rng(night.day)
        spread = {"mean": rng.random(64), "variance": rng.random(64)}
        head = build_head(64, len(class_ids), **spread, settings=ClassifierSettings(), seed=night.day)
        save_head(head, self.folder / "head.keras")
        rows = (
            {"class_id": i, "make_model_id": f"ford/{i}", "label": f"Ford {i}", "status": "active", "night": night}
            for i in class_ids
        )
        self.lake.tables.upsert(CLASSES, rows_of(CLASSES, rows))
        digest = self.lake.artifacts.put_file(self.folder / "head.keras")
        return self.champion(night, class_ids).model_copy(update={"head": digest})

    def night(self, champion: Champion, gate: GateVerdict, night: date, **facts: Any) -> Manifest:
        """Export, price and publish what the training left."""
        tonight = self.trained(champion, gate, night, **facts)
        versions = {CLASSES.name: self.lake.tables.version(CLASSES)}
        tonight["train"] = tonight["train"].model_copy(update={"versions": versions})
        run = self.run(tonight, night, self.earlier)
        tonight["export"] = export(self.settings, self.lake, run, work=self.folder / "export")
        tonight["price"] = self.priced(tonight, night)
        tonight["publish"] = self.publish(tonight, night, self.earlier)
        self.earlier = tonight
        return self.manifest()

    def meta(self, manifest: Manifest) -> dict[str, str]:
        """What the price file says of itself."""
        path = self.folder / f"{manifest.night}.sqlite"
        path.write_bytes(self.released(manifest, "autodetect.sqlite"))
        with closing(sqlite3.connect(path)) as database:
            return dict(database.execute("SELECT key, value FROM meta"))


@contextmanager
def shifted_weights() -> Iterator[None]:
    """Let the converter write part of its weights one element further on than it says."""
    real = packaging.convert

    def convert(*arguments: Any, target: Path, **options: Any) -> Any:
        record = real(*arguments, target=target, **options)
        weights = target / "Data/com.apple.CoreML/weights/weight.bin"
        data = np.fromfile(weights, np.uint8)
        start = len(data) // 2 // 64 * 64
        data[start : start + 2048] = np.roll(data[start : start + 2048], 2)
        weights.write_bytes(data.tobytes())
        return record

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(packaging, "convert", convert)
        yield


def of_the_model(manifest: Manifest) -> dict[str, str]:
    """The digests of the files that depend on the model."""
    return {name: manifest.objects[name].sha256 for name in OF_THE_MODEL}


def assert_one_class_map(nights: Nights, manifest: Manifest) -> None:
    """Check that manifest, model, class map and prices are of one class map."""
    priced = nights.meta(manifest)
    told = nights.told(manifest, "model.json")["class_map_digest"]
    assert manifest.class_map_digest == told == priced["class_map_digest"]
    entries = [ClassEntry(**{k: e[k] for k in ClassEntry.model_fields}) for e in nights.told(manifest, "classes.json")]
    assert class_map_digest(entries) == told
    assert priced["night"] == str(manifest.night)


def answers(nights: Nights, photo: Path) -> list[str]:
    """What the newest release answers to a photo."""
    release = fetch(nights.store, nights.folder / "cache", trusted=trusted_key(nights.settings), now=NOW)
    (found,) = identify(release, {photo: read_photo(photo, max_pixels=10**7)})
    return [guess.label for guess in found.guesses]


def test_a_model_whose_package_is_damaged_goes_out_on_the_night_its_package_is_whole(tmp_path: Path) -> None:
    nights, (photo,) = Nights(tmp_path), photos(tmp_path / "photos", 1)
    first = nights.night(nights.trained_head(FIRST, (1, 2)), PASSED, FIRST)
    assert (first.verdict, first.parity) == (Verdict.PUBLISHED, "interpreted (Linux)")
    (fp16,) = first.packages
    assert (fp16.name, fp16.loss, fp16.recommended) == ("fp16", None, True)
    assert fp16.parity.photos == 8
    assert_one_class_map(nights, first)
    before = answers(nights, photo)
    assert len(before) == 2

    new = nights.trained_head(SECOND, (1, 2, 5))
    with shifted_weights():
        second = nights.night(new, PASSED, SECOND, challenger=new.model_dump(mode="json"))
    assert (second.night, second.verdict) == (SECOND, Verdict.PRICES_ONLY)
    assert "tonight's new model is withheld" in second.warnings[-1]
    assert second.warnings[-1] in nights.released(second, "card.md").decode()
    assert of_the_model(second) == of_the_model(first)
    assert second.packages == first.packages
    assert_one_class_map(nights, second)
    assert answers(nights, photo) == before

    third = nights.night(new, REFUSED, THIRD, challenger={})
    assert (third.night, third.verdict) == (THIRD, Verdict.PUBLISHED)
    assert not any("withheld" in warning for warning in third.warnings)
    assert third.class_map_digest != first.class_map_digest
    assert third.objects["champion.keras"].sha256 == new.head
    assert_one_class_map(nights, third)
    assert len(answers(nights, photo)) == 3


def test_a_first_model_whose_package_is_damaged_holds_the_night(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    with shifted_weights(), pytest.raises(HeldError, match="cannot be released"):
        nights.night(nights.trained_head(FIRST, (1, 2)), PASSED, FIRST)
    assert newest(nights.store) is None
