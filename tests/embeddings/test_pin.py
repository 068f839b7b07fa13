import numpy as np
import pytest

from autodetect.embeddings import backbone, pin
from autodetect.errors import CorruptError, UsageError
from autodetect.lake.objects import LocalStore, open_objects
from autodetect.sections import BackboneSettings

SETTINGS = BackboneSettings(weights="random", input_size=96, seed=1)


class RemoteStore(LocalStore):
    """A store whose objects do not lie on this machine."""

    downloads = 0

    def local_path(self, key):
        return None

    def download(self, key, path):
        self.downloads += 1
        super().download(key, path)


@pytest.fixture(scope="module")
def pinned_lake(tmp_path_factory):
    root = tmp_path_factory.mktemp("pin")
    objects = open_objects(str(root / "lake"))
    return root / "lake", pin.pinned(objects, SETTINGS, root / "work")


@pytest.fixture
def unbuildable(monkeypatch):
    def build(settings):
        raise AssertionError("a pinned backbone must not be built again")

    monkeypatch.setattr(backbone, "build", build)


def test_the_first_night_pins_and_later_nights_load_exactly_that(pinned_lake, unbuildable, tmp_path):
    lake, record = pinned_lake
    objects = open_objects(str(lake))
    assert sorted(objects.list("models/")) == [f"models/backbone-{record.digest}.keras", "models/backbone.json"]
    model, found = pin.load_pinned(objects, SETTINGS, tmp_path)
    assert found == record
    assert backbone.digest_of(model, 96) == record.digest


@pytest.mark.parametrize(
    ("changed", "named"),
    [({"weights": "imagenet"}, "weights"), ({"input_size": 128}, "input_size"), ({"seed": 2}, "seed")],
)
def test_other_settings_than_the_pinned_are_refused_by_name(pinned_lake, unbuildable, tmp_path, changed, named):
    objects = open_objects(str(pinned_lake[0]))
    with pytest.raises(UsageError, match=f"backbone.{named}") as raised:
        pin.pinned(objects, SETTINGS.model_copy(update=changed), tmp_path)
    assert raised.value.exit_code == 2
    assert "new lake" in raised.value.remedy


def test_the_batch_size_may_change(pinned_lake, unbuildable, tmp_path):
    lake, record = pinned_lake
    assert pin.pinned(open_objects(str(lake)), SETTINGS.model_copy(update={"batch_size": 4}), tmp_path) == record


def test_the_seed_matters_only_where_weights_are_random(tmp_path, unbuildable):
    objects = open_objects(str(tmp_path))
    record = backbone.BackboneRecord(
        requested="imagenet",
        resolved="imagenet",
        seed=0,
        input_size=96,
        preprocessing="squash-bilinear-v1@96",
        digest="d" * 64,
    )
    objects.put(pin.PIN_KEY, record.model_dump_json().encode())
    settings = BackboneSettings(weights="imagenet", input_size=96, seed=7)
    assert pin.pinned(objects, settings, tmp_path) == record


def test_a_run_that_was_overtaken_takes_the_pin_of_the_other(tmp_path, monkeypatch, pinned_lake):
    objects = open_objects(str(tmp_path / "lake"))
    theirs = pinned_lake[1].model_copy(update={"digest": "e" * 64})
    model = backbone.load(pinned_lake[0] / pin.file_key(pinned_lake[1]), pinned_lake[1])

    def build(settings):
        objects.put(pin.PIN_KEY, theirs.model_dump_json().encode())
        return backbone.Built(model, pinned_lake[1], None)

    monkeypatch.setattr(backbone, "build", build)
    assert pin.pinned(objects, SETTINGS, tmp_path / "work") == theirs


def test_a_remote_lake_is_downloaded_once_and_a_damaged_copy_again(pinned_lake, unbuildable, tmp_path):
    lake, record = pinned_lake
    objects = RemoteStore(lake)
    first, _ = pin.load_pinned(objects, SETTINGS, tmp_path)
    pin.load_pinned(objects, SETTINGS, tmp_path)
    assert objects.downloads == 1
    copy = tmp_path / f"backbone-{record.digest}.keras"
    copy.write_bytes(copy.read_bytes()[:1000])
    again, _ = pin.load_pinned(objects, SETTINGS, tmp_path)
    assert objects.downloads == 2
    np.testing.assert_array_equal(first.get_weights()[0], again.get_weights()[0])


def test_a_damaged_lake_is_told(pinned_lake, tmp_path):
    objects = open_objects(str(tmp_path / "lake"))
    objects.put(pin.PIN_KEY, b'{"requested": "ran')
    with pytest.raises(CorruptError, match=r"backbone\.json"):
        pin.pinned(objects, SETTINGS, tmp_path)
    objects.put(pin.PIN_KEY, pinned_lake[1].model_dump_json().encode())
    with pytest.raises(CorruptError):
        pin.load_pinned(objects, SETTINGS, tmp_path)
    with pytest.raises(CorruptError, match="pinned but missing"):
        pin.load_pinned(RemoteStore(tmp_path / "lake"), SETTINGS, tmp_path)
