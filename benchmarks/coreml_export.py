"""Claim: an export takes little more than the conversion that it stands on, and what it writes is small.

Export is `autodetect.coreml.convert` (folding, conversion, saving, normalising) and the zip, of an InceptionV3 with 468
classes; the peer is the bare `coremltools.convert` call on the same models, which leaves a model in memory. Both take
turns. The smaller variants are made from the package, once. `python -m benchmarks.coreml_export SIZE ROUNDS` measures
another case.
"""

import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from autodetect.classifier.head import build_head
from autodetect.coreml.convert import convert
from autodetect.coreml.folding import folded_head
from autodetect.coreml.package import size_of, zip_package
from autodetect.coreml.parity.pictures import generated_pictures
from autodetect.coreml.variants import VARIANTS, compress, package_name
from autodetect.embeddings import backbone
from autodetect.embeddings.geometry import PIXEL_BIAS, PIXEL_SCALE, scale
from autodetect.sections import BackboneSettings, ClassifierSettings, CoremlSettings, Variant
from benchmarks.grid import Grid
from benchmarks.rounds import Case, timed

if TYPE_CHECKING:
    import keras

CLASSES, SIZE, ROUNDS = 468, 299, 3
LABELS = tuple(f"Make Model {output:03d}" for output in range(CLASSES))
MOST = 1.5  # times the bare call
MOST_MB: dict[Variant, float] = {"fp16": 48, "palette6": 18}
COLUMNS = ("variant", "takes", "package, MB", "zip, MB", "goal")


def run(size: int = SIZE, rounds: int = ROUNDS) -> Grid:
    """Time the export beside the bare call, then make and weigh the variants."""
    network, head = exported_models(size)
    folded = folded_head(head)  # held: its graph refers to its weights weakly
    graph = _graph(network, folded, size)
    with TemporaryDirectory() as name:
        folder = Path(name)
        package = folder / package_name("fp16")

        def export() -> None:
            _export(network, head, package, size)

        cases = [Case("ours", "ours", export), Case("bare", "peer", lambda: _bare(graph, size))]
        ours, bare = (row.seconds for row in timed(cases, rounds=rounds))
        lines = [_line(folder, "fp16", median(ours))]
        for variant in VARIANTS[1:]:
            started = time.perf_counter()
            smaller = folder / package_name(variant)
            compress(package, variant, smaller)
            zip_package(smaller, folder / f"{smaller.name}.zip")
            lines.append(_line(folder, variant, time.perf_counter() - started))
    ratios = [own / peer for own, peer in zip(ours, bare, strict=True)]
    ratio = median(ratios)
    return Grid(
        name="coreml_export",
        claim=f"Exporting {CLASSES} classes of InceptionV3 takes at most {MOST} times the bare coremltools.convert.",
        columns=COLUMNS,
        lines=lines,
        notes=(
            (
                f"export {median(ours):.1f} s, bare call {median(bare):.1f} s ({min(bare):.1f} to {max(bare):.1f}): "
                f"{ratio:.2f} times ({min(ratios):.2f} to {max(ratios):.2f}), goal {MOST}: "
                f"{'kept' if ratio <= MOST else 'NOT kept'}"
            ),
            f"{rounds} rounds, in turns; the bare call is handed its graph, and writes nothing",
            f"{size} px, random weights, dense head; int8 and palette6 take their time once, after the package",
        ),
        packages=("coremltools", "keras", "tensorflow-cpu", "numpy"),
    )


def exported_models(size: int) -> tuple["keras.Model", "keras.Model"]:
    """Return a backbone with random weights and an untrained dense head of `CLASSES` outputs."""
    network = backbone.build(BackboneSettings(weights="random", input_size=size)).model
    vectors = network.predict(scale(generated_pictures(16, size, seed=1)), verbose=0)
    statistics = {"mean": vectors.mean(axis=0), "variance": vectors.var(axis=0)}
    return network, build_head(vectors.shape[1], CLASSES, **statistics, settings=ClassifierSettings(), seed=0)


def _export(network: "keras.Model", head: "keras.Model", package: Path, size: int) -> None:
    settings = CoremlSettings()
    convert(network, head, LABELS, input_size=size, settings=settings, metadata={"version": "1"}, target=package)
    zip_package(package, package.with_name(f"{package.name}.zip"))


def _graph(network: "keras.Model", head: "keras.Model", size: int) -> Any:
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((1, size, size, 3), tf.float32, name="image")])
    def answer(image: Any) -> Any:
        return head(network(image, training=False), training=False)

    return answer.get_concrete_function()


def _bare(graph: Any, size: int) -> object:
    import coremltools as ct

    return ct.convert(
        [graph],
        source="tensorflow",
        convert_to="mlprogram",
        minimum_deployment_target=ct.target[CoremlSettings().deployment_target],
        compute_precision=ct.precision.FLOAT16,
        inputs=[
            ct.ImageType(
                name="image",
                shape=(1, size, size, 3),
                scale=PIXEL_SCALE,
                bias=[PIXEL_BIAS] * 3,
                color_layout=ct.colorlayout.RGB,
            )
        ],
        classifier_config=ct.ClassifierConfig(list(LABELS)),
        skip_model_load=True,
    )


def _line(folder: Path, variant: Variant, seconds: float) -> tuple[str, ...]:
    name = package_name(variant)
    package, archive = size_of(folder / name) / 1e6, (folder / f"{name}.zip").stat().st_size / 1e6
    goal = MOST_MB.get(variant)
    word = "" if goal is None else f"{goal:g} MB: {'kept' if package <= goal else 'NOT kept'}"
    return variant, f"{'' if variant == 'fp16' else '+'}{seconds:.1f} s", f"{package:.1f}", f"{archive:.1f}", word


if __name__ == "__main__":
    print(run(*(int(argument) for argument in sys.argv[1:3])).as_text())
