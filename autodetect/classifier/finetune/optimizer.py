"""AdamW with a rate per weight and a moving average of the weights, and the rate's course over the training.

Everything happens in `update_step`, which each Keras backend calls in its own compiled step: gradients are accumulated,
clipped and counted by Keras, and no training loop of ours is needed.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from autodetect.sections import FinetuneSettings


class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """The rate of an update: a straight rise to the peak, then half a cosine down to `final_rate` of it.

    Keras counts passes, not updates: with accumulation, `accumulate` passes in a row have the rate of their update.
    """

    def __init__(self, settings: FinetuneSettings) -> None:
        self.peak, self.final = settings.learning_rate, settings.final_rate
        self.steps, self.accumulate = settings.steps, settings.accumulate
        self.warmup = min(settings.warmup_steps, settings.steps - 1)

    def __call__(self, step: Any) -> Any:
        """Return the rate of pass `step`, from 0."""
        update = ops.cast(ops.floor_divide(step, self.accumulate), "float32")
        rising = (update + 1.0) / (self.warmup + 1)
        done = ops.minimum((update - self.warmup) / (self.steps - self.warmup), 1.0)
        falling = self.final + (1 - self.final) * 0.5 * (1 + ops.cos(math.pi * done))
        return self.peak * ops.where(update < self.warmup, rising, falling)

    def at(self, update: int) -> float:
        """Return the rate of an update, from 0."""
        return float(self(update * self.accumulate))

    def get_config(self) -> dict[str, Any]:
        """Keras asks for it when a compiled model is saved, which is not done here."""
        raise NotImplementedError("the optimizer's state is kept by checkpoints, not by Keras")


class LayerwiseAdamW(keras.optimizers.Adam):
    """Adam whose rate, for each weight, is the schedule's times a factor, with decoupled decay and averages.

    After each update: average <- momentum * average + (1 - momentum) * weight, beginning with the weights as they are
    when the optimizer is built. Kernels decay, vectors (biases, batch norm) do not. `averages` is in the order of the
    weights that the optimizer was built with, and empty where the momentum is 0.

    Args:
        settings: rate, decay, clipping, accumulation and `ema`.
        factors: one per trainable weight, in the model's order.
        beta_2: Adam's; 0.999 where steps are many.
    """

    def __init__(self, settings: FinetuneSettings, factors: Sequence[float], beta_2: float = 0.999) -> None:
        super().__init__(
            learning_rate=WarmupCosine(settings),
            beta_2=beta_2,
            global_clipnorm=settings.clip_norm,
            gradient_accumulation_steps=settings.accumulate if settings.accumulate > 1 else None,
            name="layerwise_adamw",
        )
        self.factors = list(factors)
        self.schedule = WarmupCosine(settings)
        self.decay = settings.weight_decay
        # A short training must not keep the average of weights from before it learned anything.
        self.momentum = min(settings.ema, 1 - 1 / max(settings.steps / 10, 1))
        self.averages: list[Any] = []

    def build(self, variables: Sequence[Any]) -> None:
        """Add Adam's state, and the averages."""
        if self.built:
            return
        if len(variables) != len(self.factors):
            raise ValueError(f"{len(self.factors)} factors for {len(variables)} trainable weights")
        super().build(variables)
        if self.momentum:
            self.averages = self.add_optimizer_variables(variables, "weights_average")
            for average, variable in zip(self.averages, variables, strict=True):
                average.assign(value_of(variable))

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one weight, and its average."""
        index = self._get_variable_index(variable)
        rate = ops.cast(learning_rate, variable.dtype) * self.factors[index]
        if self.decay and len(variable.shape) > 1:
            self.assign_sub(variable, ops.multiply(variable, rate * self.decay))
        super().update_step(gradient, variable, rate)
        if self.momentum:
            average = self.averages[index]
            self.assign_add(average, ops.multiply(ops.subtract(variable, average), 1 - self.momentum))


def value_of(variable: Any) -> npt.NDArray[Any]:
    """Return a copy of a variable's value.

    Assigning one variable to another would let them share memory on JAX, whose compiled step reuses the memory of the
    state that it is given.
    """
    return np.array(keras.ops.convert_to_numpy(variable))
