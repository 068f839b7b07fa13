"""What changed between two releases is told from their manifests, class maps and prices, and nothing that did not."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from autodetect.classifier.champion import class_map_digest
from autodetect.coreml.outputs import Output
from autodetect.errors import CorruptError, UsageError
from autodetect.lake.archives import sha256_bytes
from autodetect.lake.objects import LocalStore
from autodetect.lake.schemas import PRICES
from autodetect.prices.parquet import write_parquet
from autodetect.records import canonical_json
from autodetect.release.diff import ReleaseDiff, diff
from autodetect.release.layout import object_key
from autodetect.release.manifest import Backbone
from autodetect.release.packages import PackageFact, PackageParity
from autodetect.release.publish import publish
from flows.cli.diff_words import MOST_SHOWN, as_text
from tests.release.sample import KEY, NOW, facts, files

PARITY = PackageParity(photos=1, largest_difference=0.0, decided=1, agreement=1.0)
Price = tuple[str, str, str, float | None]  # model of Ford, basis, currency, median


def release(
    store: LocalStore,
    folder: Path,
    *,
    labels: Mapping[str, bool],
    prices: Iterable[Price],
    content: Mapping[str, bytes],
    **changes: Any,
) -> str:
    """Publish a release whose classes answer or not, with headline prices and some more files; return its id."""
    outputs = [
        Output(output=i, class_id=i + 1, make_model_id=label.lower(), label=label, answers=answers)
        for i, (label, answers) in enumerate(labels.items())
    ]
    rows = [
        dict.fromkeys(PRICES.schema.names)
        | {"night": facts().night, "make_model_id": f"ford/{model}", "make": "Ford", "model": model.title()}
        | {
            "basis": basis,
            "year_band": band,
            "region": region,
            "currency": currency,
            "median": median and median * times,
        }
        for model, basis, currency, median in prices
        for band, region, times in (("", "", 1), ("2010-2014", "", len(labels)), ("", "US-FL", len(labels)))
    ]
    folder.mkdir(parents=True)
    digest = class_map_digest(outputs)
    write_parquet(folder / "rows", pa.Table.from_pylist(rows, schema=PRICES.schema), {"class_map_digest": digest})
    made = dict(content) | {
        "classes.json": canonical_json([output.model_dump() for output in outputs]),
        "prices.parquet": (folder / "rows").read_bytes(),
    }
    told = facts(class_map_digest=digest, **changes)
    return publish(store, files(folder / "files", made), told, NOW, key=KEY).release_id


def package(name: str, size: int, *, recommended: bool = False) -> PackageFact:
    return PackageFact(name=name, file="same.zip", size=size, parity=PARITY, recommended=recommended)


@pytest.fixture
def two(store: LocalStore, tmp_path: Path) -> tuple[str, str]:
    same = {"same.zip": b"same" * 100}
    before = release(
        store,
        tmp_path / "a",
        labels={"Ford Focus": True, "Audi TT": True, "Fiat 500": True},
        prices=[
            *[
                ("focus", "sold", "USD", 10_000.0),
                ("focus", "asking", "USD", 12_000.0),
                ("escort", "sold", "USD", 900.0),
            ],
            *[("mustang", "sold", "USD", 20_000.0), ("ka", "sold", "EUR", 800.0), ("fiesta", "sold", "USD", 5.0)],
        ],
        content=same | {"gone.txt": b"gone", "card.md": b"# before"},
        metrics={"top1": 0.5, "old": 1.0, "chance": 0.1},
        warnings=("kept", "old"),
        packages=(package("fp16", 46, recommended=True), package("int8", 23)),
    )
    after = release(
        store,
        tmp_path / "b",
        labels={"Ford Focus": True, "Audi TT": False, "Fiat 500": True, "Jeep Wrangler": True},
        prices=[
            *[("focus", "sold", "USD", 9_000.0), ("focus", "asking", "USD", 12_000.0), ("escort", "sold", "USD", None)],
            *[("mustang", "sold", "USD", 30_000.0), ("ka", "sold", "USD", 900.0), ("fiesta", "sold", "USD", 5.0)],
        ],
        content=same | {"card.md": b"# after!", "new.txt": b"new"},
        metrics={"top1": 0.75, "new": 2.0, "chance": 0.1},
        warnings=("kept", "new"),
        backbone=Backbone(digest="e" * 64, weights="imagenet"),
        packages=(package("fp16", 47), package("palette6", 17, recommended=True)),
    )
    return before, after


@pytest.fixture
def found(store: LocalStore, two: tuple[str, str]) -> ReleaseDiff:
    return diff(store, *two)


def test_classes_are_lost_when_they_go_or_fall_silent(found: ReleaseDiff) -> None:
    assert found.classes_added == ("Jeep Wrangler",)
    assert found.classes_lost == ("Audi TT",)


def test_prices_move_in_one_currency_the_largest_part_first(found: ReleaseDiff) -> None:
    assert [(each.model, each.basis, each.currency, round(each.relative, 6)) for each in found.moves] == [
        ("Mustang", "sold", "USD", 0.5),
        ("Focus", "sold", "USD", -0.1),
    ]
    assert [(each.model, each.currency) for each in found.prices_gained] == [("Ka", "USD")]
    assert [(each.model, each.currency) for each in found.prices_lost] == [("Escort", "USD"), ("Ka", "EUR")]


def test_figures_are_told_side_by_side_also_where_one_is_missing(found: ReleaseDiff) -> None:
    told = {each.name: (each.before, each.after, each.difference) for each in found.metrics}
    assert told == {
        "chance": (0.1, 0.1, 0.0),
        "new": (None, 2.0, None),
        "old": (1.0, None, None),
        "top1": (0.5, 0.75, 0.25),
    }


def test_files_packages_warnings_and_backbone_are_told_where_they_differ(found: ReleaseDiff) -> None:
    sizes = {each.name: (each.before, each.after) for each in found.files}
    assert sizes.keys() == {"gone.txt", "new.txt", "card.md", "classes.json", "prices.parquet"}
    assert sizes["gone.txt"] == (4, None)
    assert sizes["new.txt"] == (None, 3)
    assert sizes["card.md"] == (8, 8)
    assert (found.unchanged_files, found.unchanged_bytes) == (1, 400)
    assert found.fetched_bytes == sum(after or 0 for _, after in sizes.values())
    assert [(each.name, each.before, each.after) for each in found.packages] == [
        ("fp16", 46, 47),
        ("int8", 23, None),
        ("palette6", None, 17),
    ]
    assert [each.name for each in found.packages if each.recommended_after] == ["palette6"]
    assert (found.warnings_new, found.warnings_gone) == (("new",), ("old",))
    assert (found.before.backbone.weights, found.after.backbone.weights) == ("random", "imagenet")


def test_a_release_beside_itself_differs_in_nothing(store: LocalStore, two: tuple[str, str]) -> None:
    told = diff(store, two[0], two[0]).model_dump()
    assert all(each["difference"] == 0 for each in told.pop("metrics"))
    assert told.pop("before") == told.pop("after")
    assert (told.pop("unchanged_files"), told.pop("unchanged_bytes")) == (5, told_size(store, two[0]))
    assert not any(told.values())


def told_size(store: LocalStore, release_id: str) -> int:
    manifest = json.loads(store.get(f"manifests/{release_id}.json"))
    return sum(each["size"] for each in manifest["objects"].values())


def test_the_text_has_aligned_columns_and_says_what_is_left_out(found: ReleaseDiff) -> None:
    lines = as_text(found).splitlines()
    metrics = lines[lines.index("metrics") + 1 :][:5]
    assert {len(line) for line in metrics[1:]} <= {len(metrics[0])}
    assert "  top1    0.5000  0.7500     +0.2500" in metrics
    assert "  Ford Mustang (sold)  20,000 USD  30,000 USD  +50.0%" in lines
    assert "  Ford Focus (sold)    10,000 USD   9,000 USD  -10.0%" in lines
    assert any(line.split() == ["card.md", "8", "8", "+0"] for line in lines)
    many = found.model_copy(update={"classes_lost": tuple(map(str, range(MOST_SHOWN + 2)))})
    assert "  and 2 more (--json has all)" in as_text(many).splitlines()


def test_a_release_without_prices_or_class_map_is_compared_in_the_rest(store: LocalStore, tmp_path: Path) -> None:
    ids = [
        publish(store, files(tmp_path / text, {"card.md": text.encode()}), facts(), NOW, key=KEY).release_id
        for text in ("a", "b")
    ]
    told = diff(store, *ids)
    assert [each.name for each in told.files] == ["card.md"]
    assert "prices" not in as_text(told)


def test_a_damaged_file_is_never_compared(store: LocalStore, two: tuple[str, str]) -> None:
    manifest = json.loads(store.get(f"manifests/{two[1]}.json"))
    key = object_key(manifest["objects"]["classes.json"]["sha256"])
    changed = store.get(key).replace(b"Jeep", b"Lada")
    assert sha256_bytes(changed) != manifest["objects"]["classes.json"]["sha256"]
    store.put(key, changed)
    with pytest.raises(CorruptError, match=r"'classes.json' .* is damaged"):
        diff(store, *two)
    store.delete(key)
    with pytest.raises(CorruptError, match=r"'classes.json' .* is missing"):
        diff(store, *two)
    with pytest.raises(UsageError, match="was collected, or never was there"):
        diff(store, two[0], "0" * 64)
