from datetime import date, timedelta

from autodetect.classifier.champion import Champion
from autodetect.classifier.gate import best_recent

TONIGHT = date(2026, 11, 22)


def released(days_ago, top1, backbone="b1", figure="validation_top1"):
    return Champion(
        head=f"h{days_ago}",
        class_ids=(1, 2),
        snapshot_id="s",
        night=TONIGHT - timedelta(days=days_ago),
        backbone=backbone,
        metrics={figure: top1},
    )


def best(*models, **asked):
    found = best_recent(models, TONIGHT, figure="validation_top1", **asked)
    return found.head if found else None


def test_the_best_of_the_last_ninety_days_is_chosen_and_the_older_of_equals():
    models = [released(91, 0.99), released(90, 0.7), released(30, 0.8), released(10, 0.8), released(1, 0.6)]
    assert best(*models) == "h30"
    assert best(*reversed(models)) == "h30"
    assert best(models[0], days=91) == "h91"


def test_tonights_model_and_models_without_the_figure_are_not_asked():
    assert best(released(0, 0.99), released(5, 0.9, figure="vehicle_top1"), released(-1, 0.9)) is None
    assert best() is None


def test_a_head_on_another_backbone_is_left_out_where_only_tonights_can_answer():
    models = [released(5, 0.9, backbone="b0"), released(3, 0.5)]
    assert best(*models) == "h5"
    assert best(*models, backbone="b1") == "h3"
