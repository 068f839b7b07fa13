"""One model and its packages for all tests of parity."""

from pathlib import Path

import pytest

from autodetect.coreml.parity.pictures import generated_pictures
from autodetect.coreml.variants import compress
from tests.coreml.parity.models import SIZE, Model, trained


@pytest.fixture(scope="session")
def model() -> Model:
    return trained()


@pytest.fixture(scope="session")
def packages(model: Model, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The model's packages by variant; for all tests: copy before you change one."""
    folder = tmp_path_factory.mktemp("parity")
    found = {"fp16": model.export(folder / "fp16.mlpackage")}
    for variant in ("int8", "palette6"):
        found[variant] = folder / f"{variant}.mlpackage"
        compress(found["fp16"], variant, found[variant])
    return found


@pytest.fixture(scope="session")
def pictures():
    return generated_pictures(24, SIZE, seed=3)
