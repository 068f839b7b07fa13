import numpy as np
import pytest

from autodetect.embeddings import backbone, pin
from autodetect.errors import CorruptError, UsageError
from autodetect.lake.objects import LocalStore, open_objects
from autodetect.sections import BackboneSettings

SETTINGS = BackboneSettings(weights="random", architecture="tiny", input_size=96, seed=1)
OTHER = SETTINGS.model_copy(update={"seed": 2})


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
    assert sorted(objects.list("models/")) == [
        f"models/backbone-{record.digest}.json",
        f"models/backbone-{record.digest}.keras",
        "models/backbone.json",
    ]
    model, found = pin.load_pinned(objects, SETTINGS, tmp_path)
    assert found == record
    assert backbone.digest_of(model, 96, architecture="tiny") == record.digest


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"weights": "imagenet"}, "weights"),
        ({"input_size": 128}, "input_size"),
        ({"seed": 2}, "seed"),
        ({"geometry": "letterbox"}, "preprocessing"),
        ({"architecture": "InceptionV3"}, "architecture"),
    ],
)
def test_other_settings_than_the_pinned_are_refused_by_name(pinned_lake, unbuildable, tmp_path, changed, named):
    objects = open_objects(str(pinned_lake[0]))
    with pytest.raises(UsageError, match=f"backbone.{named}") as raised:
        pin.pinned(objects, SETTINGS.model_copy(update=changed), tmp_path)
    assert raised.value.exit_code == 2
    assert "autodetect backbone change" in raised.value.remedy


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


@pytest.fixture
def lake_with_next(tmp_path):
    """A lake, its pin and its next backbone."""
    objects = open_objects(str(tmp_path / "lake"))
    now = pin.pinned(objects, SETTINGS, tmp_path / "work")
    built = backbone.build(OTHER)
    return objects, now, pin.propose(objects, built.model, built.record, tmp_path / "work")


def test_a_proposal_changes_nothing_but_what_is_next(lake_with_next, tmp_path):
    objects, now, proposed = lake_with_next
    assert pin.read_pin(objects) == now
    assert pin.read_next(objects) == proposed
    assert {each.digest: pin.record_of(objects, each.digest) for each in (now, proposed)} == {
        now.digest: now,
        proposed.digest: proposed,
    }
    model = pin.load_backbone(objects, proposed, tmp_path)
    assert backbone.digest_of(model, 96, architecture="tiny") == proposed.digest
    assert pin.propose(objects, model, proposed, tmp_path / "work") == proposed
    assert pin.pinned(objects, OTHER, tmp_path) == now  # settings that name the next backbone are no mistake


def test_the_pinned_backbone_cannot_be_proposed(tmp_path, lake_with_next):
    objects, now, _ = lake_with_next
    with pytest.raises(UsageError, match="stands on that very backbone"):
        pin.propose(objects, pin.load_backbone(objects, now, tmp_path), now, tmp_path)


@pytest.mark.parametrize("times", [1, 2])
def test_the_champions_next_backbone_becomes_the_pin(lake_with_next, tmp_path, caplog, times):
    objects, now, proposed = lake_with_next
    for _ in range(times):
        pin.settle(objects, proposed.digest, None)
    assert (pin.read_pin(objects), pin.read_next(objects)) == (proposed, None)
    assert pin.earlier_pins(objects) == [now]
    assert pin.pinned(objects, OTHER, tmp_path) == proposed
    assert not caplog.records
    assert pin.pinned(objects, SETTINGS, tmp_path) == proposed  # what the lake has left behind is told, not refused
    assert "left behind" in caplog.text
    with pytest.raises(UsageError):
        pin.pinned(objects, SETTINGS.model_copy(update={"seed": 9}), tmp_path)


def test_a_refused_backbone_is_withdrawn_and_its_files_stay(lake_with_next, tmp_path):
    objects, now, proposed = lake_with_next
    pin.settle(objects, now.digest, proposed.digest)
    assert (pin.read_pin(objects), pin.read_next(objects)) == (now, None)
    assert pin.record_of(objects, proposed.digest) == proposed
    pin.load_backbone(objects, proposed, tmp_path)


def test_a_backbone_that_was_not_tried_stays_next(lake_with_next):
    objects, now, proposed = lake_with_next
    for champion, refused in ((None, None), (now.digest, None), (now.digest, "e" * 64)):
        pin.settle(objects, champion, refused)
    assert (pin.read_pin(objects), pin.read_next(objects)) == (now, proposed)


def test_the_champions_backbone_becomes_the_pin_though_another_was_proposed_since(lake_with_next, tmp_path):
    objects, now, won = lake_with_next
    built = backbone.build(SETTINGS.model_copy(update={"seed": 9}))
    later = pin.propose(objects, built.model, built.record, tmp_path / "work")
    pin.settle(objects, won.digest, None)
    assert (pin.read_pin(objects), pin.read_next(objects)) == (won, later)
    assert pin.earlier_pins(objects) == [now]


def test_an_override_after_a_refusal_counts(lake_with_next):
    objects, _, proposed = lake_with_next
    pin.settle(objects, proposed.digest, proposed.digest)
    assert pin.read_pin(objects) == proposed


def test_a_kill_amid_the_settling_is_mended_by_the_next_one(lake_with_next):
    objects, now, proposed = lake_with_next
    objects.put(pin.HISTORY_KEY, f'["{now.digest}"]'.encode())
    objects.put(pin.PIN_KEY, proposed.model_dump_json().encode())
    pin.settle(objects, proposed.digest, None)
    assert (pin.read_pin(objects), pin.read_next(objects)) == (proposed, None)
    assert pin.earlier_pins(objects) == [now]


def test_a_lake_of_an_earlier_version_knows_its_backbone_by_the_pin(tmp_path, pinned_lake):
    objects = open_objects(str(tmp_path))
    record = pinned_lake[1]
    objects.put(pin.PIN_KEY, record.model_dump_json().encode())
    assert pin.record_of(objects, record.digest) == record
    with pytest.raises(CorruptError, match="knows no backbone"):
        pin.record_of(objects, "e" * 64)
