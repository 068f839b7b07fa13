"""What makes a marketplace real: relists, wrong models, misspellings, junk values, masked ZIP codes, empty fields.

Shares are of the vehicles on offer; of each kind there is at least one, so that small marketplaces show it too.
"""

import random
from dataclasses import dataclass

from crawlers.sandbox.making.vehicles import Row
from crawlers.sandbox.painting.tampering import BROKEN_KINDS, COPY_KINDS

RELIST_SHARE = 0.08  # ended, then offered again under a new item id with an edited copy of the photos
WRONG_MODEL_SHARE = 0.02  # somebody's photo, offered by another seller as another model
ENDED_SHARE = 0.06  # ended for good, besides the relisted
PRICE_CHANGE_SHARE = 0.12
MISSPELT_SHARE = 0.10
MASKED_ZIP_SHARE = 0.08
EMPTY_FIELD_SHARE = 0.15
JUNK_PRICE_SHARE = 0.015
JUNK_MILEAGE_SHARE = 0.015
JUNK_YEAR_SHARE = 0.01
BROKEN_PHOTO_SHARE = 0.015
JUNK_PRICES: tuple[str, ...] = ("0", "1", "123456789")
JUNK_MILEAGES: tuple[str, ...] = ("999999", "1234567890", "1")
JUNK_YEARS: tuple[str, ...] = ("20050000", "0", "1066")
EMPTIED_FIELDS: tuple[str, ...] = ("trim", "engine", "body_type", "drive_type", "zipcode", "mileage", "cylinders")


@dataclass(frozen=True)
class Copy:
    """A photo that is a copy of another one, and how it was changed."""

    source: str
    name: str
    kind: str


def count(share: float, total: int) -> int:
    """How many of `total` a share is; at least one."""
    return max(1, round(share * total))


class Dirt:
    """Spreads dirt over honest rows, in place.

    Args:
        rows: the honest rows.
        item_ids: unused item ids, taken as new listings need them.
        nights: how many nights there are.
        rng: its randomness.

    Attributes:
        copies: photos to be made as copies. broken: kind of damage by photo name.
    """

    def __init__(self, rows: list[Row], item_ids: list[str], nights: int, rng: random.Random) -> None:
        self.rows = rows
        self.copies: list[Copy] = []
        self.broken: dict[str, str] = {}
        self._honest = list(rows)
        self._item_ids = item_ids
        self._nights = nights
        self._rng = rng

    def spread(self) -> None:
        """Do everything a marketplace does to its listings."""
        if self._nights > 1:
            self._relist()
            self._end()
        self._list_under_wrong_models()
        self._misspell()
        for column, share, values in (
            ("price", JUNK_PRICE_SHARE, JUNK_PRICES),
            ("mileage", JUNK_MILEAGE_SHARE, JUNK_MILEAGES),
            ("year", JUNK_YEAR_SHARE, JUNK_YEARS),
        ):
            for i, row in enumerate(self._some(share)):
                row.facts[column] = values[i % len(values)]
        for row in self._some(MASKED_ZIP_SHARE):
            row.facts["zipcode"] = f"{row.facts['zipcode'][:3]}**"
        for i, row in enumerate(self._some(EMPTY_FIELD_SHARE)):
            row.facts[EMPTIED_FIELDS[i % len(EMPTIED_FIELDS)]] = ""
        self._change_prices()
        self._break_photos()

    def _some(self, share: float, among: list[Row] | None = None) -> list[Row]:
        """That share of the vehicles, drawn from all honest rows or `among` some of them."""
        pool = self._honest if among is None else among
        return self._rng.sample(pool, min(count(share, len(self._honest)), len(pool)))

    def _copy_row(self, row: Row, kind: str) -> Row:
        """A new listing that shows copies of another one's photos."""
        names = [f"{self._rng.getrandbits(64):016x}.jpg" for _ in row.photos]
        self.copies += [Copy(source, name, kind) for source, name in zip(row.photos, names, strict=True)]
        facts = row.facts | {"item_id": self._item_ids.pop()}
        copy = Row(facts=facts, first_night=row.first_night, photos=names, model=row.model)
        self.rows.append(copy)
        return copy

    def _relist(self) -> None:
        early = [row for row in self._honest if row.first_night < self._nights]
        for i, row in enumerate(self._some(RELIST_SHARE, early)):
            row.last_night = self._rng.randint(row.first_night, self._nights - 1)
            again = self._copy_row(row, COPY_KINDS[i % len(COPY_KINDS)])
            again.first_night = self._rng.randint(row.last_night + 1, self._nights)
            again.facts["relist_of"] = row.facts["item_id"]
            again.facts["price"] = str(round(int(row.facts["price"]) * self._rng.uniform(0.88, 1.0)))

    def _end(self) -> None:
        up = [row for row in self._honest if row.first_night < self._nights and not row.last_night]
        for row in self._some(ENDED_SHARE, up):
            row.last_night = self._rng.randint(row.first_night, self._nights - 1)

    def _list_under_wrong_models(self) -> None:
        """The copy takes its words from an honest listing of another model and only its photos from the source."""
        for i, row in enumerate(self._some(WRONG_MODEL_SHARE)):
            others = [other for other in self._honest if other.model != row.model]
            if not others:
                return
            posed = self._rng.choice(others)
            copy = self._copy_row(row, COPY_KINDS[(i + 1) % len(COPY_KINDS)])
            copy.model = posed.model
            copy.facts |= {name: text for name, text in posed.facts.items() if name != "item_id"}
            copy.facts |= {"vin": "", "seller": f"bargains_{self._rng.randrange(100):02d}"}

    def _misspell(self) -> None:
        for row in self._some(MISSPELT_SHARE, [row for row in self._honest if row.model.misspelt]):
            make, model = self._rng.choice(row.model.misspelt)
            row.facts |= {"make": make, "model": model, "title": f"{row.facts['year']} {make} {model}"}

    def _change_prices(self) -> None:
        """A new asking price from some later night on, while the listing is still up."""
        changing = [row for row in self.rows if self._later_nights(row) and int(row.facts["price"]) > 1]
        for row in self._some(PRICE_CHANGE_SHARE, changing):
            night = self._rng.choice(self._later_nights(row))
            row.facts[f"price_{night}"] = str(round(int(row.facts["price"]) * self._rng.uniform(0.86, 0.98)))

    def _later_nights(self, row: Row) -> range:
        return range(row.first_night + 1, (row.last_night or self._nights) + 1)

    def _break_photos(self) -> None:
        """Damage gallery photos that neither are copies nor were copied."""
        copied = {copy.source for copy in self.copies}
        sound = [row for row in self._honest if row.photos[0] not in copied]
        for i, row in enumerate(self._some(max(BROKEN_PHOTO_SHARE, len(BROKEN_KINDS) / len(self._honest)), sound)):
            self.broken[row.photos[0]] = BROKEN_KINDS[i % len(BROKEN_KINDS)]
