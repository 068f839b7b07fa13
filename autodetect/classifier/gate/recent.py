"""Which release of the last 90 days is the one to be held against?"""

from collections.abc import Iterable
from datetime import date, timedelta

from autodetect.classifier.champion import Champion

DAYS = 90


def best_recent(
    released: Iterable[Champion], night: date, *, figure: str, backbone: str | None = None, days: int = DAYS
) -> Champion | None:
    """Return the best model released in the `days` before tonight, the older of equals; None where there is none.

    Choose by a figure of the validation set. The best on test vehicles would owe its place to luck on the very vehicles
    that it is compared on, and equal models would fail against it.

    Args:
        released: champions of earlier nights.
        night: tonight.
        figure: the name of the metric; higher is better, and models without it are left out.
        backbone: digest of tonight's backbone where only heads on it can be asked; None for any.
        days: how far to look back.
    """
    since = night - timedelta(days=days)
    found = [
        model
        for model in released
        if since <= model.night < night and backbone in {None, model.backbone} and figure in model.metrics
    ]
    return max(found, key=lambda model: (model.metrics[figure], -model.night.toordinal()), default=None)
