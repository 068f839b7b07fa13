"""Which of tonight's labels the champion is asked about."""

from datetime import date

import numpy as np

from autodetect.classifier.champion import Champion
from autodetect.classifier.head import build_head, mask_outputs
from autodetect.classifier.label_watch import watch_labels
from autodetect.classifier.split_arrays import Examples
from autodetect.sections import ClassifierSettings, PoisonSettings

NIGHT = date(2026, 11, 2)
IDS = (10, 20, 30, 40)


def test_labels_of_classes_that_the_champion_never_answers_are_not_held_against_anyone() -> None:
    settings = ClassifierSettings(hidden_width=8)
    flat = {"mean": np.zeros(6, np.float32), "variance": np.ones(6, np.float32)}
    head = mask_outputs(build_head(6, len(IDS), **flat, settings=settings, seed=1), [1])
    champion = Champion(head="h", class_ids=IDS, snapshot_id="s", night=NIGHT, backbone="b", metrics={}, withheld=(40,))
    class_ids = np.repeat(IDS, 3)
    x = np.random.default_rng(0).normal(size=(len(class_ids), 6)).astype(np.float32)
    names = [f"car-{number}" for number in range(len(class_ids))]
    photos = Examples(x, class_ids, np.array(names), names)
    watched = watch_labels(
        photos,
        champion,
        head,
        sellers={},
        history=(),
        settings=PoisonSettings(),
        night=NIGHT,
        names={},
    )
    assert watched.verdict.record.labels == 6  # of classes 10 and 30: 20 is masked, as it came back, and 40 withheld
