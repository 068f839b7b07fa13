"""What a generated marketplace promises: the same bytes for a seed, all or nothing, and a real marketplace's dirt."""

import csv
import hashlib
import io
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps, UnidentifiedImageError

from autodetect.errors import UsageError
from crawlers.sandbox.making import generate as generating
from crawlers.sandbox.making.dirt import JUNK_MILEAGES, JUNK_PRICES, JUNK_YEARS
from crawlers.sandbox.making.generate import generate
from crawlers.sandbox.making.models import MODELS
from crawlers.sandbox.marketplace import Marketplace
from crawlers.sandbox.painting.tampering import copied

SMALL = {"models": 3, "vehicles": 6}


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rows(folder: Path, name: str = "listings.csv") -> list[dict[str, str]]:
    with (folder / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB").resize((64, 48)), dtype=float)


def test_a_seed_fixes_every_byte_with_and_without_a_process_pool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(tmp_path / "alone", seed=3, **SMALL)
    monkeypatch.setattr(generating, "POOL_FROM", 1)
    generate(tmp_path / "pooled", seed=3, **SMALL)
    assert digests(tmp_path / "alone") == digests(tmp_path / "pooled")


def test_another_seed_gives_another_marketplace(tmp_path: Path) -> None:
    shots = []
    for seed in (1, 2):
        generate(tmp_path / str(seed), seed=seed, models=1, vehicles=6)
        photos = [path.read_bytes() for path in (tmp_path / str(seed) / "photos").iterdir()]
        shots.append({photo for photo in photos if len(photo) > 4000})
    assert min(map(len, shots)) >= 6
    assert not shots[0] & shots[1]


def test_every_listed_photo_exists_and_every_photo_is_listed(generated: Path) -> None:
    listed = {name for row in rows(generated) for name in row["photos"].split()}
    assert listed == {path.name for path in (generated / "photos").iterdir()}


def test_item_ids_are_twelve_digits_and_unique(generated: Path) -> None:
    item_ids = [row["item_id"] for row in rows(generated)]
    assert len(set(item_ids)) == len(item_ids)
    assert all(len(item_id) == 12 and item_id.isdecimal() for item_id in item_ids)


def test_most_vehicles_are_there_on_the_first_night_and_a_model_comes_later(generated: Path) -> None:
    fresh = [row for row in rows(generated) if not row["relist_of"] and not row["seller"].startswith("bargains")]
    first = {model.model: [row["first_night"] for row in fresh if model.model in row["title"]] for model in MODELS[:4]}
    assert "1" not in first[MODELS[3].model]
    assert "2" in first[MODELS[3].model]
    others = [night for model in MODELS[:3] for night in first[model.model]]
    assert 0.6 < others.count("1") / len(others) < 0.95
    assert {night for nights in first.values() for night in nights} == {"1", "2", "3"}


def test_the_promised_dirt_is_there(generated: Path) -> None:
    listings = rows(generated)
    honest = {(model.make, model.model) for model in MODELS}
    misspelt = {pair for model in MODELS for pair in model.misspelt}
    assert any((row["make"], row["model"]) in misspelt - honest for row in listings)
    assert any(row["model"] == "Other" for row in listings)
    assert any(row["price"] in JUNK_PRICES for row in listings)
    assert any(row["mileage"] in JUNK_MILEAGES for row in listings)
    assert any(row["year"] in JUNK_YEARS for row in listings)
    assert any(row["zipcode"].endswith("**") for row in listings)
    assert any(not row["engine"] for row in listings)
    assert any(row["last_night"] != "0" for row in listings)
    assert any(row["price_2"] or row["price_3"] for row in listings)
    assert any(row["seller"].startswith("bargains") for row in listings)
    assert {row["buying_option"] for row in listings} >= {"FIXED_PRICE"}


def test_a_relist_follows_the_end_of_the_listing_that_it_repeats(generated: Path) -> None:
    by_id = {row["item_id"]: row for row in rows(generated)}
    relists = [row for row in by_id.values() if row["relist_of"]]
    assert relists
    for row in relists:
        ended = by_id[row["relist_of"]]
        assert 0 < int(ended["last_night"]) < int(row["first_night"])
        assert row["vin"] == ended["vin"]
        assert len(row["photos"].split()) == len(ended["photos"].split())
        assert not set(row["photos"].split()) & set(ended["photos"].split())


def test_a_relist_shows_the_same_pictures(generated: Path) -> None:
    """Copies stay close to their source, upright or mirrored, and other cars' photos do not."""
    by_id = {row["item_id"]: row["photos"].split() for row in rows(generated)}
    photos = generated / "photos"
    for row in rows(generated):
        for copy, source in zip(row["photos"].split(), by_id.get(row["relist_of"], []), strict=False):
            there, here = pixels(photos / source), pixels(photos / copy)
            alike = max(np.corrcoef(here.ravel(), shown.ravel())[0, 1] for shown in (there, there[:, ::-1]))
            assert alike > 0.75, (row["item_id"], alike)


def test_a_wrong_model_copy_shows_another_models_photo(generated: Path) -> None:
    listings = rows(generated)
    pictures = {row["item_id"]: picture for row in listings if (picture := gallery_picture(generated, row)) is not None}
    wrong = [row for row in listings if row["seller"].startswith("bargains")]
    assert wrong
    for row in wrong:
        shown = pictures[row["item_id"]]
        likeness = [
            (np.corrcoef(shown.ravel(), view.ravel())[0, 1], _model(other["title"]))
            for other in listings
            if other is not row and other["item_id"] in pictures
            for view in (pictures[other["item_id"]], pictures[other["item_id"]][:, ::-1])
        ]
        assert max(likeness)[0] > 0.75
        assert max(likeness)[1] != _model(row["title"])


def gallery_picture(folder: Path, row: dict[str, str]) -> np.ndarray | None:
    try:
        picture = pixels(folder / "photos" / row["photos"].split()[0])
    except OSError:
        return None
    return picture if picture.std() > 1 else None


def _model(title: str) -> str:
    names = {model.shape: {model.model, *(name for _, name in model.misspelt)} for model in MODELS}
    return next((shape for shape, spelt in names.items() if any(name in title for name in spelt)), "other")


def test_broken_photos_of_every_kind_are_there(generated: Path) -> None:
    kinds: Counter[str] = Counter()
    for path in (generated / "photos").iterdir():
        data = path.read_bytes()
        try:
            image = Image.open(io.BytesIO(data))
            image.load()
            kinds["pixel" if image.size == (1, 1) else "sound"] += 1
        except UnidentifiedImageError:
            kinds["empty" if not data else "html" if b"<html" in data else "unknown"] += 1
        except OSError:
            kinds["truncated"] += 1
    assert set(kinds) == {"sound", "pixel", "empty", "html", "truncated"}
    assert kinds["sound"] > 0.8 * kinds.total()


def test_photos_have_a_cars_format(generated: Path) -> None:
    sizes = []
    for row in rows(generated):
        if row["relist_of"] or row["seller"].startswith("bargains"):
            continue
        for name in row["photos"].split():
            try:
                sizes.append(Image.open(generated / "photos" / name).size)
            except OSError:
                continue
    assert all(320 <= width <= 400 and 240 <= height <= 300 for width, height in sizes if width > 1)


def test_copies_are_what_they_are_called() -> None:
    data = io.BytesIO()
    gradient = np.linspace(0, 200, 320).astype(np.uint8)[None, :, None].repeat(240, 0).repeat(3, 2)
    Image.fromarray(gradient).save(data, "JPEG", quality=90)
    photo = data.getvalue()
    assert copied(photo, "identical") == photo
    sizes = {
        kind: Image.open(io.BytesIO(copied(photo, kind))).size
        for kind in ("resized", "cropped", "bordered", "reencoded")
    }
    assert sizes == {"resized": (256, 192), "cropped": (308, 230), "bordered": (340, 260), "reencoded": (320, 240)}
    mirrored = Image.open(io.BytesIO(copied(photo, "mirrored")))
    assert np.abs(np.asarray(ImageOps.mirror(mirrored), float) - gradient).mean() < 2
    assert np.asarray(Image.open(io.BytesIO(copied(photo, "brightened"))), float).mean() > gradient.mean() * 1.1


def test_sales_span_three_bare_years_and_carry_dirt(generated: Path) -> None:
    sales = rows(generated, "sold.csv")
    assert {row["yearsold"] for row in sales} == {"2024", "2025", "2026"}
    counts = Counter(row["Model"] for row in sales)
    assert all(45 <= counts[model.model] <= 66 for model in MODELS[:4])
    assert any(row["pricesold"] in JUNK_PRICES for row in sales)
    assert any(row["Mileage"] in JUNK_MILEAGES for row in sales)
    assert any(row["Year"] in JUNK_YEARS for row in sales)
    assert counts["Other"]
    assert len({row["ID"] for row in sales}) == len(sales)


def test_dearer_models_cost_more(generated: Path) -> None:
    price = {
        model.model: float(
            np.median([int(row["pricesold"]) for row in rows(generated, "sold.csv") if row["Model"] == model.model])
        )
        for model in MODELS[:4]
    }
    assert price["Beetle"] < min(price["Mustang"], price["Wrangler"], price["TT"])


def test_a_generated_folder_is_a_marketplace(generated: Path) -> None:
    marketplace = Marketplace.load(generated)
    assert marketplace.nights == 3
    assert len(marketplace.on(1)) < len(marketplace.on(2))


@pytest.mark.parametrize("wrong", [{"models": 0}, {"models": len(MODELS) + 1}, {"vehicles": 0}, {"nights": 0}])
def test_impossible_numbers_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        generate(tmp_path / "m", **wrong)
    assert not (tmp_path / "m").exists()


def test_one_night_and_one_model_are_enough(tmp_path: Path) -> None:
    generate(tmp_path / "m", models=1, vehicles=4, nights=1)
    assert {row["first_night"] for row in rows(tmp_path / "m")} == {"1"}


def test_a_folder_in_use_is_refused_and_an_empty_one_is_taken(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("precious")
    with pytest.raises(UsageError, match="not an empty folder"):
        generate(tmp_path / "full", **SMALL)
    assert (tmp_path / "full" / "thesis.txt").read_text() == "precious"
    (tmp_path / "empty").mkdir()
    generate(tmp_path / "empty", models=1, vehicles=1)
    assert (tmp_path / "empty" / "listings.csv").is_file()


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "m", progress=stop, **SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_generate_leaves_no_marketplace_and_the_next_one_clears_up(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from crawlers.sandbox.making import generate as g; g.POOL_FROM = 10**9;"
        "g.generate(pathlib.Path(sys.argv[1]), models=14, vehicles=40)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "m")], cwd=Path(__file__).parents[4])
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".m.partial/photos/*.jpg")):
        assert time.monotonic() < deadline
        assert child.poll() is None
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "m").exists()
    generate(tmp_path / "m", models=1, vehicles=2)
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_progress_counts_to_the_end(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    generate(tmp_path / "m", models=1, vehicles=3, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(i, 4) for i in (1, 2, 3, 4)]
