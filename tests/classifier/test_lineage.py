from importlib.metadata import version

import keras

from autodetect.classifier.lineage import Lineage

GIVEN = {
    "snapshot_id": "s",
    "start": "warm",
    "champion": "c",
    "rival": None,
    "embeddings": "e",
    "backbone": "b",
    "engine": "keras-tensorflow-fp32",
    "settings": {"epochs": 3},
    "seed": 7,
    "left_out": (),
}


def test_a_lineage_names_backend_libraries_and_the_flags_that_are_set():
    environ = {"TF_ENABLE_ONEDNN_OPTS": "0", "AWS_SECRET_ACCESS_KEY": "secret", "OMP_NUM_THREADS": "2"}
    lineage = Lineage.here(environ, **GIVEN)
    assert lineage.backend == keras.backend.backend()
    assert lineage.versions["keras"] == version("keras")
    assert {"numpy", "python"} < set(lineage.versions)
    assert lineage.flags == {"OMP_NUM_THREADS": "2", "TF_ENABLE_ONEDNN_OPTS": "0"}
    assert Lineage.model_validate_json(lineage.model_dump_json()) == lineage
