"""What docs/ios.md tells an app to do with a release holds."""

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autodetect.classifier.temperature import Temperatures, tempered
from autodetect.coreml.variants import VARIANTS, archive_name
from autodetect.embeddings.geometry import GEOMETRIES, preprocessing_name
from autodetect.release.answering import answer
from autodetect.release.layout import history_key, manifest_key, object_key
from autodetect.release.manifest import SCHEMA_VERSION, Manifest, encode, release_id
from tests.release.sample import facts

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "ios.md").read_text("utf-8")
CREATED = re.search(r'range\(of: #"("created.+?)"#', (DOCS / "client.md").read_text("utf-8"))[1]


def as_the_app_reads_it(data: bytes) -> str:
    """Return what the page's Swift takes for the release id."""
    return hashlib.sha256(re.sub(CREATED, "", data.decode(), count=1).encode()).hexdigest()


@given(warning=st.text(max_size=30), note=st.sampled_from(['"created":"1",', "\\", '\\"created\\":\\"1\\",', ""]))
def test_the_release_id_is_the_digest_of_the_manifest_without_its_creation_time(warning: str, note: str) -> None:
    about = facts(warnings=(warning, note), permission=note).model_dump()
    about["backbone"]["note"] = note  # stands before `created`
    manifest = Manifest(**about, created=datetime(2026, 3, 1, 2, 30, tzinfo=UTC), objects={})
    assert as_the_app_reads_it(encode(manifest)) == release_id(manifest)


def test_manifests_of_earlier_versions_are_read_alike() -> None:
    for path in sorted((Path(__file__).parent / "manifests").glob("*.json")):
        assert as_the_app_reads_it(path.read_bytes()) == path.stem


def test_the_page_names_files_keys_and_version_as_they_are() -> None:
    for name in map(archive_name, VARIANTS):
        assert f"`{name}`" in PAGE
    for key in (history_key(7).replace("7", "<n>"), manifest_key("<release_id>"), object_key("<sha256>")):
        assert key in PAGE
    assert f"({SCHEMA_VERSION} today)" in PAGE
    for geometry in GEOMETRIES:
        assert f"`{preprocessing_name(299, geometry)}`" in PAGE


@given(
    rows=st.lists(st.lists(st.floats(-6, 6), min_size=3, max_size=3), min_size=2, max_size=5),
    photo=st.floats(0.3, 3),
    vehicle=st.floats(0.3, 3),
)
def test_photos_of_one_car_are_answered_from_folded_probabilities_as_identify_answers_them(
    rows: list[list[float]], photo: float, vehicle: float
) -> None:
    log_q = tempered(np.array(rows))  # of the head, as trained
    told = np.exp(tempered(log_q, photo))  # what a package gives: the temperature of one photo is folded in
    mean = np.log(told).mean(axis=0, keepdims=True) * photo / vehicle
    expected = answer(np.exp(log_q), range(3), Temperatures(photo=photo, vehicle=vehicle))
    np.testing.assert_allclose(np.exp(tempered(mean))[0], expected, atol=1e-9)
    np.testing.assert_allclose(told[0], answer(np.exp(log_q[:1]), range(3), Temperatures(photo=photo)), atol=1e-12)
