import numpy as np
import pytest

from autodetect.embeddings import backbone
from autodetect.embeddings.architectures import ARCHITECTURES
from autodetect.errors import UsageError
from autodetect.sections import BackboneSettings

# As lakes hold them: another digest would be another backbone, and every photo would be embedded again.
KNOWN = "c7ec44c56311ab6f1652e6eff4cd1f4ad82995e7684d598a761a60cd00bb9510"


def settings(**options):
    return BackboneSettings(**{"weights": "random", "input_size": 96, "architecture": "tiny"} | options)


def test_the_identity_of_backbones_that_lakes_hold_does_not_change():
    record = backbone.build(settings(architecture="InceptionV3", seed=3)).record
    assert (record.digest, record.preprocessing) == (KNOWN, "squash-bilinear-v1@96")
    older = record.model_dump(exclude={"architecture", "geometry", "parent", "snapshot_ids", "batch_norm"})
    assert backbone.BackboneRecord.model_validate(older) == record


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_network_answers_as_it_is_declared(name):
    built = backbone.build(settings(architecture=name))
    assert built.model.input_shape == (None, 96, 96, 3)
    assert built.model.output_shape == (None, ARCHITECTURES[name].dimension)
    assert built.record.architecture == name
    assert {"mixed0", "mixed1"} <= {layer.name for layer in built.model.layers}


def test_the_digest_speaks_for_network_and_geometry(tmp_path):
    built = backbone.build(settings())
    boxed = backbone.build(settings(geometry="letterbox")).record
    assert boxed.geometry == "letterbox"
    assert boxed.preprocessing == "letterbox-bilinear-v1@96"
    assert boxed.digest != built.record.digest
    assert backbone.digest_of(built.model, 96) != built.record.digest  # the same weights under the other's name
    record = backbone.save(built.model, built.record, tmp_path / "tiny.keras")
    loaded = backbone.load(tmp_path / "tiny.keras", record)
    for ours, theirs in zip(loaded.get_weights(), built.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_weights_file_gives_back_the_network_that_it_was_saved_from(tmp_path):
    model, record, _ = backbone.build(settings(seed=5))
    model.save(tmp_path / "tiny.keras")
    model.save_weights(tmp_path / "tiny.weights.h5")
    for name in ("tiny.keras", "tiny.weights.h5"):
        found = backbone.build(settings(weights=str(tmp_path / name))).record
        assert (found.digest, found.resolved, found.imagenet_head) == (record.digest, "file", "")


def test_imagenets_weights_are_not_promised_for_a_network_that_never_had_any():
    with pytest.raises(UsageError, match="tiny") as raised:
        backbone.build(settings(weights="imagenet"))
    assert "backbone.architecture" in raised.value.remedy
