"""A model whose package fails stays at home: releases keep the model before, whole, until the export lets it out."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import date
from pathlib import Path

from autodetect.classifier.champion import Champion
from autodetect.classifier.gate import GateVerdict
from autodetect.lake.verdict import model_verdict
from autodetect.records import Receipt, Verdict
from autodetect.release.exported import FILE_NAMES
from autodetect.release.manifest import Manifest
from tests.release.publishing import PASSED, Publishing

FIRST, SECOND, THIRD, FOURTH = (date(2026, 11, day) for day in (1, 2, 3, 4))
WHY = "1 of 250 decided photos is answered otherwise"
REFUSED = GateVerdict(promoted=False, words="refused: 40 % against 60 %", n=20)


def end(
    publishing: Publishing,
    tonight: Mapping[str, Receipt],
    exported: Receipt,
    earlier: Mapping[str, Receipt] | None = None,
) -> tuple[dict[str, Receipt], Manifest]:
    """Price and publish a night; return its receipts and the manifest."""
    receipts = {**tonight, "export": exported}
    receipts["price"] = publishing.priced(receipts, exported.night)
    receipts["publish"] = publishing.publish(receipts, exported.night, earlier)
    return receipts, publishing.manifest()


def assert_of_one_model(publishing: Publishing, manifest: Manifest, model: Champion) -> None:
    """Check that every file of the release that depends on the model is that of this one."""
    night = str(model.night)
    for name in ("champion.keras", *FILE_NAMES.values()):
        assert publishing.released(manifest, name).decode().endswith(night)
    entries = publishing.told(manifest, "classes.json")
    assert [entry["class_id"] for entry in entries] == list(model.class_ids)
    assert all(entry["label"].endswith(night) for entry in entries)
    sqlite = publishing.folder / f"{manifest.night}.sqlite"
    sqlite.write_bytes(publishing.released(manifest, "autodetect.sqlite"))
    with closing(sqlite3.connect(sqlite)) as database:
        priced = dict(database.execute("SELECT key, value FROM meta"))
        rows = dict(database.execute("SELECT class_id, label FROM classes"))
    assert rows == {entry["class_id"]: entry["label"] for entry in entries}
    digests = {manifest.class_map_digest, priced["class_map_digest"]}
    assert digests | {publishing.told(manifest, "model.json")["class_map_digest"]} == digests
    assert len(digests) == 1
    assert publishing.told(manifest, "metrics.json")["released"] == model.model_dump(mode="json")
    assert manifest.metrics == model.metrics


def test_prices_go_out_with_the_model_before_until_the_package_of_the_new_one_passes(tmp_path: Path) -> None:
    publishing = Publishing(tmp_path)
    old, new = publishing.champion(FIRST), publishing.champion(SECOND, class_ids=(1, 2, 5))
    first, manifest = end(publishing, publishing.trained(old, night=FIRST), publishing.exported(old, night=FIRST))
    assert manifest.verdict == Verdict.PUBLISHED
    assert_of_one_model(publishing, manifest, old)

    # The gate lets a new model pass; its fp16 package fails.
    trained = publishing.trained(new, PASSED, SECOND, challenger=new.model_dump(mode="json"))
    second, manifest = end(publishing, trained, publishing.exported(old, withheld=WHY, night=SECOND), first)
    assert (manifest.night, manifest.verdict) == (SECOND, Verdict.PRICES_ONLY)
    assert_of_one_model(publishing, manifest, old)
    words = f"the model is that of 2026-11-01; tonight's new model is withheld: {WHY}"
    assert manifest.warnings == (words,)
    assert words in publishing.released(manifest, "card.md").decode()
    assert second["publish"].facts["champion"] == old.model_dump(mode="json")

    # Nothing new passes the gate, and the package still fails.
    trained = publishing.trained(new, REFUSED, THIRD, challenger={})
    third, manifest = end(publishing, trained, publishing.exported(old, withheld=WHY, night=THIRD), second)
    assert manifest.verdict == Verdict.PRICES_ONLY
    assert_of_one_model(publishing, manifest, old)
    assert "the model of 2026-11-02, which passed the gate then, is still withheld" in manifest.warnings[0]

    # The package passes at last: a new model goes out, though the gate refused tonight's challenger.
    trained = publishing.trained(new, REFUSED, FOURTH, challenger={})
    fourth, manifest = end(publishing, trained, publishing.exported(new, night=FOURTH), third)
    assert manifest.verdict == Verdict.PUBLISHED
    assert manifest.warnings == ()
    assert_of_one_model(publishing, manifest, new)
    assert model_verdict(fourth, third)[1] == "the model of 2026-11-02, which passed the gate then, goes out tonight"


def test_a_release_made_again_after_a_kill_says_the_same(tmp_path: Path) -> None:
    publishing = Publishing(tmp_path)
    old, new = publishing.champion(FIRST), publishing.champion(SECOND)
    first, _ = end(publishing, publishing.trained(old, night=FIRST), publishing.exported(old, night=FIRST))
    night = publishing.trained(new, PASSED, SECOND), publishing.exported(old, withheld=WHY, night=SECOND)
    done, _ = end(publishing, *night, first)
    again, _ = end(publishing, *night, first)
    assert again["publish"].facts == done["publish"].facts
