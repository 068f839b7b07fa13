"""Nights' prices in a process of their own: `python -m benchmarks.one_price_night`, request on stdin, answer on stdout.

The request is JSON: `rows`, `rounds`, `folder`, `changed` (0, or the share of listings that is another than in a market
without). The answer is JSON too: for every round the seconds of each step (`steps`), of a bare groupby-quantile
(`bare`) and of one that groups as we publish (`published`), taken in turns; `bytes` and `digests` of the files,
`offers` and `price_rows`, the peak memory of the process (`peak_mib`) and what it was before (`rows_mib`).
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from autodetect.lake.blobs import sha256_file
from autodetect.prices.files import write_price_files
from autodetect.prices.offers import advertised, offers_table
from autodetect.prices.places import located
from autodetect.prices.table.bands import year_band
from autodetect.prices.table.price_table import price_table
from autodetect.sections import PriceSettings
from benchmarks.invented_market import NIGHT, Market, market

QUARTILES = [0.25, 0.5, 0.75]
GROUPS = (["basis", "make_model_id"], ["basis", "make_model_id", "year_band"], ["basis", "make_model_id", "state"])
WARMED_BY = 2_000  # rows, so that what is loaded once counts for nobody


class Night:
    """A night's work on a market, step by step, with the seconds that each step took."""

    def __init__(self, tonight: Market) -> None:
        self.market = tonight
        self.values = _values(tonight.listings["asking_price"])
        self.seconds: dict[str, float] = {}
        self.counts: dict[str, int] = {}

    def work(self, folder: Path) -> dict[str, Path]:
        """Turn the listings into the three files; the valuation is another claim: values are there already."""
        listings, settings = self.market.listings, PriceSettings()
        places = self._step("places", lambda: located(listings["postal_code"], listings["country"]))
        placed = listings.join(places)
        made = self._step(
            "price table",
            lambda: price_table(placed, self.market.make_models.to_pandas(), night=NIGHT, settings=settings),
        )
        offers = self._step("offers", lambda: self._offers(advertised(made.judged["asking"])))
        files = self._step(
            "files",
            lambda: write_price_files(
                folder,
                night=NIGHT,
                prices=made.rows,
                offers=offers,
                make_models=self.market.make_models,
                classes=pa.table({"class_id": [1], "make_model_id": ["make-0-model-0"], "label": ["Make 0 Model 0"]}),
                class_map_digest="0" * 64,
            ),
        )
        self.counts = {"offers": offers.num_rows, "price_rows": made.rows.num_rows}
        return {path.name: path for _, path in files}

    def _offers(self, offered: pd.DataFrame) -> pa.Table:
        return offers_table(offered, self.values.loc[offered.index], night=NIGHT)

    def _step(self, name: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        made = work()
        self.seconds[name] = time.perf_counter() - started
        return made


def measured(rows: int, rounds: int, folder: str, changed: float = 0.0) -> dict[str, Any]:
    """Return what a night of so many listings takes, and what the peers take on the same rows."""
    Night(market(WARMED_BY)).work(Path(folder))
    tonight = market(rows, changed=changed)
    frame = _compared(tonight.listings)
    before = _highest_mib()
    steps, bare, published = [], [], []
    for _ in range(rounds):
        night = Night(tonight)
        files = night.work(Path(folder))
        steps.append(night.seconds)
        bare.append(_quantiles(frame, GROUPS[:1]))
        published.append(_quantiles(frame, GROUPS))
    return {
        "steps": steps,
        "bare": bare,
        "published": published,
        **night.counts,
        "bytes": {name: path.stat().st_size for name, path in files.items()},
        "digests": {name: sha256_file(path) for name, path in files.items()},
        "rows_mib": before,
        "peak_mib": _highest_mib(),
    }


def _compared(listings: pd.DataFrame) -> pd.DataFrame:
    """Return what the peers group: every row, as it lies there."""
    sold = listings["status"] == "sold"
    return pd.DataFrame(
        {
            "basis": np.where(sold, "sold", "asking"),
            "make_model_id": listings["make_model_id"],
            "price": np.where(sold, listings["sold_price"], listings["asking_price"]),
            "year_band": year_band(listings["year"]),
            "state": located(listings["postal_code"], listings["country"])["state"],
        }
    )


def _quantiles(frame: pd.DataFrame, groups: tuple[list[str], ...]) -> float:
    started = time.perf_counter()
    for columns in groups:
        frame.groupby(columns)["price"].quantile(QUARTILES)
    return time.perf_counter() - started


def _values(prices: pd.Series) -> pd.DataFrame:
    value = (prices * 1.05).round()
    return pd.DataFrame({"value": value, "low": (value * 0.8).round(), "high": (value * 1.3).round(), "rating": "fair"})


def _highest_mib() -> float:
    """Return the peak of this program's memory (Linux); `ru_maxrss` would count what its parent held at the fork."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024


if __name__ == "__main__":
    print(json.dumps(measured(**json.loads(sys.stdin.read()))))
