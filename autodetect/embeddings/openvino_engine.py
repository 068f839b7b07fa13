"""The backbone under OpenVINO, on the CPU: the same features as under Keras, sooner.

The network takes pixels as they are: scaling them to [-1, 1] is part of it. Photos go in small requests of one shape,
several at once, each on threads of its own; which request a photo is in, and how many threads there are, changes no
bit of its vector.
"""

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from autodetect.embeddings.engine import padded, storable
from autodetect.embeddings.geometry import PIXEL_BIAS, PIXEL_SCALE
from autodetect.errors import UsageError
from autodetect.openvino_library import load_openvino, usable_cores

if TYPE_CHECKING:
    import keras

Precision = Literal["fp32", "bf16"]

_REQUEST = 8  # photos: activations of more leave the cache; measured from 1 to 32
_REMEDY = "set backbone.engine to keras or auto"


class OpenVinoEngine:
    """A Keras backbone converted in memory and compiled for one shape.

    Attributes:
        name: `openvino-fp32` or `openvino-bf16`.
        note: empty.
    """

    def __init__(self, model: "keras.Model", *, batch_size: int, precision: Precision = "fp32", threads: int = 0):
        """Convert and compile.

        Args:
            model: the backbone, float32 (n, size, size, 3) in [-1, 1] -> (n, dimension).
            batch_size: photos that are usually embedded together: bounds how many requests run at once.
            precision: what layers compute in; weights and results are float32 either way.
            threads: 0 is one per core that the process may use.

        Raises:
            UsageError: OpenVINO is not installed, cannot take the model, or the CPU does not have the precision.
        """
        self.name = f"openvino-{precision}"
        self.note = ""
        self._dimension = int(model.output_shape[-1])
        openvino = _openvino()
        core = openvino.Core()
        if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise UsageError("backbone.engine is openvino-bf16, and this machine's CPU has no bf16", _REMEDY)
        threads = threads or usable_cores()
        streams = max(1, min(threads, batch_size // _REQUEST))
        kind = {"fp32": openvino.Type.f32, "bf16": openvino.Type.bf16}[precision]
        compiled = core.compile_model(
            _converted(openvino, model),
            "CPU",
            {
                openvino.properties.hint.inference_precision: kind,
                openvino.properties.num_streams: streams,
                openvino.properties.inference_num_threads: threads,
                # Several processes may embed at once: pinned threads would all sit on the same cores.
                openvino.properties.hint.enable_cpu_pinning: False,
            },
        )
        self._requests = openvino.AsyncInferQueue(compiled, streams)

    def embed(self, inputs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return one embedding per photo: uint8 (n, size, size, 3) -> float32 (n, dimension), in the same order.

        Raises:
            StageFailedError: the backbone answered with values that float16 cannot hold.
        """
        vectors = np.empty((len(inputs), self._dimension), dtype=np.float32)

        def keep(request: Any, start: int) -> None:
            part = vectors[start : start + _REQUEST]
            part[:] = request.get_output_tensor(0).data[: len(part)]

        self._requests.set_callback(keep)
        for start in range(0, len(inputs), _REQUEST):
            self._requests.start_async({0: padded(inputs[start : start + _REQUEST], _REQUEST)}, start)
        self._requests.wait_all()
        return storable(vectors)


def _openvino() -> Any:
    return load_openvino(f"install openvino, or {_REMEDY}")


def _converted(openvino: Any, model: "keras.Model") -> Any:
    """Return the model for uint8 (_REQUEST, size, size, 3), pixels 0..255."""
    import keras

    if keras.backend.backend() != "tensorflow":
        what = f"OpenVINO converts models of Keras on TensorFlow, and Keras runs on {keras.backend.backend()}"
        raise UsageError(what, _REMEDY)
    try:
        with warnings.catch_warnings(action="ignore"):  # Keras, of the shape in which the converter hands it the input
            converted = openvino.convert_model(model)
        converted.reshape([_REQUEST, *model.input_shape[1:]])
        steps = openvino.preprocess.PrePostProcessor(converted)
        steps.input().tensor().set_element_type(openvino.Type.u8)
        scaled = steps.input().preprocess().convert_element_type(openvino.Type.f32)
        scaled.mean(-PIXEL_BIAS / PIXEL_SCALE).scale(1 / PIXEL_SCALE)
        return steps.build()
    except Exception as error:  # its converter raises whatever it stumbles over
        raise UsageError(f"OpenVINO cannot take the backbone: {error}", _REMEDY) from error
