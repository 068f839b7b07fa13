import io
import tomllib
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.imagenet_head import ImageNetHead
from autodetect.photos.decode import decode_grey
from autodetect.photos.phash import HASHED_SIDE
from autodetect.photos.screening import head_note, is_car, judge, judge_texture
from autodetect.photos.texture import texture
from crawlers.sandbox.making.generate import generate
from tests.photos.drawn import DRAWN, drawn

REAL = Path(__file__).parents[3] / "shared" / "marketplace" / "photos"
SEEDS = range(20)


def full(data):
    """The whole picture in grey."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


def scaled(data):
    """The picture as it is decoded to be hashed."""
    return decode_grey(data, max_pixels=10_000_000, side=HASHED_SIDE // 2)[1]


def readable(folder, every):
    """The bytes of every n-th file that is a photo of at least 64 pixels."""
    for path in sorted(folder.iterdir())[::every]:
        data = path.read_bytes()
        try:
            with Image.open(io.BytesIO(data)) as image:
                image.load()
                if min(image.size) >= 64:
                    yield path.name, data
        except OSError:
            continue


def effect_of(grey):
    verdict = judge_texture(texture(grey))
    return verdict and verdict.effect


@pytest.fixture(scope="module")
def painted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("marketplace")
    generate(folder / "drawn", seed=3, models=6, vehicles=6)
    return dict(readable(folder / "drawn" / "photos", 1))


@pytest.mark.parametrize("decode", [full, scaled])
@pytest.mark.parametrize("kind", DRAWN)
def test_what_is_drawn_or_written_is_refused_as_no_photograph(kind, decode):
    verdicts = {seed: judge_texture(texture(decode(drawn(kind, seed)))) for seed in SEEDS}
    assert {seed for seed, v in verdicts.items() if v is None or v.effect != "refused"} == set()
    assert {v.rule for v in verdicts.values()} == {"photo.not_a_photograph"}
    assert "texture 0." in verdicts[0].detail


def test_the_sandboxs_cars_are_photographs(painted):
    assert len(painted) > 50
    assert {name: effect for name, data in painted.items() if (effect := effect_of(scaled(data)))} == {}


def test_a_photo_of_much_texture_is_still_one_in_a_wide_plain_frame(painted):
    photos = [Image.open(io.BytesIO(data)).convert("L") for data in painted.values()]
    rich = [photo for photo in photos if texture(np.asarray(photo)).textured > 0.5]
    assert len(rich) > 4
    for photo in rich:
        for level in (0, 128, 255):
            framed = Image.new("L", (photo.width * 2, photo.height * 2), level)
            framed.paste(photo, (photo.width // 2, photo.height // 2))
            found = texture(np.asarray(framed))
            assert judge_texture(replace(found, inside=found.textured)) is not None
            assert judge_texture(found) is None


def test_hardly_any_real_photo_of_a_car_is_refused():
    if not REAL.is_dir():
        pytest.skip(f"{REAL} is not there: the recorded photos lie beside a development checkout")
    effects = [effect_of(scaled(data)) for _, data in readable(REAL, 5)]
    assert len(effects) > 800
    assert effects.count("refused") <= 0.005 * len(effects)
    assert effects.count("noted") <= 0.01 * len(effects)


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 300), st.integers(1, 300)), fill=st.integers(0, 255)))
def test_any_picture_has_a_texture_between_nothing_and_all(grey):
    found = texture(grey)
    assert all(0 <= value <= 1 for value in vars(found).values())


@given(level=st.integers(0, 255), steps=st.tuples(st.floats(-3, 3), st.floats(-3, 3)))
def test_a_gradient_of_any_slope_has_no_texture(level, steps):
    y, x = np.mgrid[0:60, 0:80]
    grey = np.clip(level + steps[0] * y + steps[1] * x, 0, 255).round().astype(np.uint8)
    assert texture(grey).textured == 0


def groups():
    text = resources.files("autodetect.photos").joinpath("imagenet_classes.toml").read_text("utf-8")
    return tomllib.loads(text)


def test_every_class_is_one_of_a_thousand_and_in_one_group():
    indices = [int(index) for group in groups().values() for index in group]
    assert len(indices) == len(set(indices))
    assert all(0 <= index < 1000 for index in indices)


def test_classes_carry_imagenets_own_numbers():
    known = {
        "vehicle": {436: "beach wagon", 468: "cab", 511: "convertible", 609: "jeep", 627: "limousine", 656: "minivan"},
        "exterior": {475: "car mirror", 581: "grille"},
        "wheel": {479: "car wheel"},
        "interior": {685: "odometer", 785: "seat belt"},
        "paper": {549: "envelope", 916: "web site", 922: "menu"},
    }
    known["vehicle"] |= {661: "Model T", 717: "pickup", 751: "racer", 817: "sports car"}
    for name, classes in known.items():
        assert classes.items() <= {int(index): label for index, label in groups()[name].items()}.items()


HEAD = ImageNetHead(np.eye(2048, 1000, dtype=np.float32), np.zeros(1000, np.float32))


def showing(**shares):
    """The embedding to which HEAD answers with these probabilities (`c817=0.9`); the rest is spread over animals."""
    probabilities = np.zeros(1000)
    for name, share in shares.items():
        probabilities[int(name[1:])] = share
    probabilities[:397] += (1 - sum(shares.values())) / 397
    vector = np.full(2048, -30, np.float32)
    vector[:1000] = np.log(np.maximum(probabilities, 1e-12))
    return vector


@pytest.mark.parametrize(
    ("shares", "rule", "effect"),
    [
        ({"c817": 0.9}, None, None),
        ({"c581": 0.9}, None, None),  # a front
        ({"c479": 0.6, "c817": 0.35}, None, None),  # a side
        ({"c479": 0.7, "c817": 0.05}, "photo.wheel", "refused"),
        ({"c479": 0.7, "c817": 0.2}, "photo.wheel", "noted"),
        ({"c479": 0.4, "c817": 0.05}, "photo.wheel", "noted"),
        ({"c479": 0.3, "c817": 0.05}, None, None),
        ({"c685": 0.4, "c785": 0.3}, "photo.interior", "refused"),
        ({"c785": 0.5, "c817": 0.15}, "photo.interior", "noted"),
        ({"c922": 0.5, "c549": 0.2}, "photo.paper", "refused"),
        ({"c686": 0.95}, "photo.engine", "noted"),
        ({"c340": 0.9}, "photo.no_car", "refused"),  # a zebra
        ({"c340": 0.9, "c817": 0.05}, "photo.no_car", "noted"),
        ({"c340": 0.6}, "photo.no_car", "noted"),
        ({"c340": 0.6, "c817": 0.2}, None, None),
        ({}, None, None),
    ],
)
def test_vehicle_and_part_probabilities_decide_by_named_rules(shares, rule, effect):
    (verdict,) = judge(showing(**shares)[None], HEAD)
    assert (verdict and verdict.rule, verdict and verdict.effect) == (rule, effect)


def test_verdicts_come_in_the_order_of_the_embeddings_and_say_why():
    first, second, third = judge(np.stack([showing(c922=0.7), showing(c817=0.9), showing(c340=0.9)]), HEAD)
    assert second is None
    assert first.detail == "paper 0.70, vehicle 0.00"
    assert third.detail == "ImageNet class 340 0.90, vehicle and parts 0.00"
    assert judge(np.empty((0, 2048), np.float32), HEAD) == []


def test_a_car_is_seen_where_vehicles_hold_a_tenth():
    shown = [showing(c817=0.9), showing(c581=0.2), showing(c817=0.06, c717=0.06), showing(c817=0.06), showing(c685=0.9)]
    assert is_car(np.stack(shown), HEAD).tolist() == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("resolved", "digest", "said"),
    [
        ("imagenet", "d" * 64, ""),
        ("random", "", "screening by the ImageNet head is off: the backbone has no ImageNet weights"),
        ("file", "", "without ImageNet's last layer"),
        ("imagenet", "", "pinned without"),
    ],
)
def test_where_the_head_is_missing_it_is_said(resolved, digest, said):
    fields = {"requested": "imagenet", "seed": 0, "input_size": 224, "preprocessing": "p", "digest": "d"}
    note = head_note(BackboneRecord(**fields, resolved=resolved, imagenet_head=digest))
    assert said in note
    assert bool(note) == bool(said)
