import logging

import numpy as np
import pytest

from autodetect.embeddings import backbone, imagenet, imagenet_head, pin
from autodetect.embeddings.architectures import inception, whole_inception
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.imagenet_head import ImageNetHead
from autodetect.errors import CorruptError
from autodetect.lake.objects import LocalStore, open_objects
from autodetect.sections import BackboneSettings

FORMATS = ("whole.keras", "whole.weights.h5", "whole.h5")


class RemoteStore(LocalStore):
    """A store whose objects do not lie on this machine."""

    def local_path(self, key):
        return None


def some_head(seed=0):
    rng = np.random.default_rng(seed)
    return ImageNetHead(rng.normal(size=(2048, 1000)).astype(np.float32), rng.normal(size=1000).astype(np.float32))


def same(ours, theirs):
    return np.array_equal(ours.kernel, theirs.kernel) and np.array_equal(ours.bias, theirs.bias)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A whole network of random weights in every kind of file; its answers differ from class to class."""
    import keras

    keras.utils.set_random_seed(0)
    model = whole_inception()
    head = some_head()
    model.layers[-1].set_weights([head.kernel, head.bias])
    folder = tmp_path_factory.mktemp("whole")
    for name in FORMATS:
        (model.save_weights if name.endswith(".weights.h5") else model.save)(folder / name)
    return model, folder


@pytest.fixture(scope="module")
def taken(whole):
    """What the backbone takes of each file."""
    return [backbone.build(BackboneSettings(weights=str(whole[1] / name), input_size=96)) for name in FORMATS]


def test_a_weights_file_with_the_top_gives_the_backbone_and_the_head_whatever_its_format(whole, taken):
    below = whole[0].get_weights()[:-2]
    for model, record, head in taken:
        assert same(head, some_head())
        assert record.imagenet_head == imagenet_head.digest_of(head)
        assert record.digest == taken[0].record.digest
        assert model.output_shape == (None, 2048)
        for ours, theirs in zip(model.get_weights(), below, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_the_head_on_embeddings_answers_as_the_whole_network_does(whole, taken):
    model = inception(299)
    model.set_weights(taken[0].model.get_weights())
    photos = np.random.default_rng(1).uniform(-1, 1, (3, 299, 299, 3)).astype(np.float32)
    ours = taken[0].head.probabilities(model.predict_on_batch(photos))
    theirs = whole[0].predict_on_batch(photos)
    assert theirs.max() > 0.01
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-6)


def test_the_head_is_pinned_beside_the_backbone_and_loads_as_itself(taken, tmp_path, monkeypatch):
    monkeypatch.setattr(backbone, "build", lambda _: taken[0])
    objects = open_objects(str(tmp_path / "lake"))
    settings = BackboneSettings(weights=taken[0].record.requested, input_size=96)
    record = pin.pinned(objects, settings, tmp_path / "work")
    assert sorted(objects.list("models/")) == [
        f"models/backbone-{record.digest}.json",
        f"models/backbone-{record.digest}.keras",
        "models/backbone.json",
        f"models/imagenet-head-{record.imagenet_head}.npy",
    ]
    for store in (objects, RemoteStore(tmp_path / "lake")):
        assert same(pin.load_imagenet_head(store, record, tmp_path / "elsewhere"), taken[0].head)
    objects.put(pin.imagenet_head_key(record), b"damaged")
    with pytest.raises(CorruptError, match="as recorded"):
        pin.load_imagenet_head(objects, record, tmp_path / "work")


def test_a_pin_from_before_heads_were_kept_is_read_and_has_none(tmp_path):
    objects = open_objects(str(tmp_path))
    fields = {"requested": "imagenet", "resolved": "imagenet", "seed": 0, "input_size": 96}
    old = BackboneRecord(**fields, preprocessing="squash-bilinear-v1@96", digest="d" * 64)
    objects.put(pin.PIN_KEY, old.model_dump_json(exclude={"imagenet_head"}).encode())
    record = pin.read_pin(objects)
    assert record == old
    assert pin.load_imagenet_head(objects, record, tmp_path) is None


def test_equal_heads_are_equal_bytes_and_another_file_is_refused(tmp_path):
    first, second = tmp_path / "first.npy", tmp_path / "folder" / "second.npy"
    digest = imagenet_head.save_head(some_head(), first)
    assert imagenet_head.save_head(some_head(), second) == digest == imagenet_head.digest_of(some_head())
    assert first.read_bytes() == second.read_bytes()
    assert same(imagenet_head.load_head(first, digest), some_head())
    assert imagenet_head.digest_of(some_head(1)) != digest
    first.write_bytes(first.read_bytes()[:-1])
    for path, expected in ((first, digest), (second, "0" * 64), (tmp_path / "missing.npy", digest)):
        with pytest.raises(CorruptError) as raised:
            imagenet_head.load_head(path, expected)
        assert path.name in raised.value.what
    np.save(tmp_path / "small.npy", np.zeros((3, 2), np.float32))
    with pytest.raises(CorruptError, match=r"\(3, 2\)"):
        imagenet_head.load_head(
            tmp_path / "small.npy", imagenet_head.sha256_bytes((tmp_path / "small.npy").read_bytes())
        )


def test_probabilities_are_those_of_each_embedding_alone_and_sum_to_one(monkeypatch):
    monkeypatch.setattr(imagenet_head, "_BLOCK", 2)
    head = some_head()
    vectors = np.random.default_rng(2).normal(size=(5, 2048)).astype(np.float32)
    vectors[4] *= 100  # exponentials of thousands
    found = head.probabilities(vectors)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    for row, vector in enumerate(vectors):
        np.testing.assert_allclose(head.probabilities(vector[None])[0], found[row], rtol=1e-3, atol=1e-7)
    assert head.probabilities(vectors[:0]).shape == (0, 1000)


@pytest.mark.parametrize(
    ("layers", "why"),
    [(lambda keras: [keras.layers.Dense(10)], "classes"), (lambda keras: [keras.layers.Flatten()], "no dense layer")],
)
def test_what_is_no_imagenet_head_is_not_taken_for_one(layers, why):
    import keras

    assert imagenet_head.cut(keras.Sequential([keras.Input((2048,)), *layers(keras)])) is None


class Answers:
    """Stands in for what Keras downloads: a network of given weights, or the exception that a download ends in."""

    def __init__(self, below, top=()):
        self.below, self.top = below, list(top)

    def __call__(self, *_):
        if isinstance(self.below, Exception):
            raise self.below
        return self

    def get_weights(self):
        return [*self.below, *self.top]


@pytest.fixture
def downloads(monkeypatch):
    def downloaded(network, whole):
        monkeypatch.setattr(imagenet, "inception", network)
        monkeypatch.setattr(imagenet, "whole_inception", whole)
        monkeypatch.setattr(imagenet_head, "cut", lambda whole: whole.top)
        return imagenet.download(224)

    return downloaded


def test_of_imagenets_two_downloads_the_head_is_kept_when_the_layers_below_agree(downloads):
    network, whole = Answers([np.ones(3), np.zeros(2)]), Answers([np.ones(3), np.zeros(2)], ["kernel", "bias"])
    assert downloads(network, whole) == (network, ["kernel", "bias"])


@pytest.mark.parametrize(
    ("whole", "said"),
    [
        (Answers([np.ones(3), np.full(2, 1e-7)], ["kernel", "bias"]), "other weights"),
        (Answers(Exception("URL fetch failure")), "could not be had"),
        (Answers(OSError("timed out")), "could not be had"),
    ],
)
def test_without_a_head_that_fits_imagenets_backbone_is_taken_alone_and_it_is_said(downloads, whole, said, caplog):
    network = Answers([np.ones(3), np.zeros(2)])
    with caplog.at_level(logging.WARNING):
        assert downloads(network, whole) == (network, None)
    assert said in caplog.text


def test_a_fault_of_ours_is_not_taken_for_a_failed_download(downloads):
    with pytest.raises(TypeError):
        downloads(Answers([np.ones(3)]), Answers(TypeError("ours")))
