"""Models' answers on made-up vehicles: drawn right or wrong, related to each other as nightly models are."""

import numpy as np

from autodetect.classifier.gate import Answers

ASKED = {"margin_points": 0.5, "chance": 0.1, "min_lift": 2.0}


def answers(right, classes=10, known=None, prefix="v", truth=None, **more):
    """Return a model's answers on vehicles 0..n-1, right where `right` says so; classes take turns unless given."""
    labels = [index % classes for index in range(len(right))] if truth is None else [int(label) for label in truth]
    truths = {f"{prefix}{index}": label for index, label in enumerate(labels)}
    answered = {
        vehicle: label if hit else (label + 1) % classes
        for (vehicle, label), hit in zip(truths.items(), right, strict=True)
    }
    return Answers(frozenset(range(classes)) if known is None else frozenset(known), truths, answered, **more)


def by_vehicle(values, prefix="v"):
    """Return values by the vehicle ids that `answers` gives."""
    return {f"{prefix}{index}": value for index, value in enumerate(np.asarray(values).tolist())}


def changed(rng, right, accuracy, discordance, loss=0.0):
    """Return another model's hits: `discordance` of the vehicles differ, `loss` more of them lost than gained."""
    lost = max(loss, (discordance + loss) / 2)
    gained = lost - loss
    draw = rng.random(len(right))
    return np.where(right, draw >= lost / accuracy, draw < gained / (1 - accuracy))
