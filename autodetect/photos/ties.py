"""What ties two listings to one car: a VIN, a relist, the same seller's same title, a shared photo; and what does not.

Each kind of evidence is looked for among all listings at once and gives names only to what would join two vehicles.
A tie's name says what is shared (`vin:…`, `copy:<first photo>`) or who is tied to whom (`relist:`, `origin:` and
`title:` with two listings). Why these rules: docs/decisions/0016.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.catalog.makes import text_key
from autodetect.catalog.vin import read_vin
from autodetect.photos.offers import Codes, Offers, codes, positions
from autodetect.photos.pairs import Pairs, contradicted, pairs_within, put_up_again

# The strongest first: a VIN is the car's own; a relist is the source's word; a title is the seller's; a picture may be
# anybody's.
STRENGTH = ("vin", "relist", "origin", "title", "copy")
# A seller may pick the wrong model for a copied photo; a picture of more models than that is a logo, not a car.
MOST_MODELS_OF_A_PICTURE = 2
# A car changes hands, and a fraud takes a photo that pleases; five sellers of one picture have it from a brochure.
MOST_SELLERS_OF_A_PICTURE = 4
# Real VINs have 9 signs or more that differ; '11111111111111111' keeps its check digit all the same.
FEWEST_SIGNS_OF_A_VIN = 6
# A car built in autumn is sold as the next year's model, and sellers name either.
MOST_YEARS_OF_A_VIN = 1.0


@dataclass(frozen=True)
class RefusedTie:
    """What listings share and what nevertheless ties none of them: `rows` are remembered never to be tied by it."""

    name: str
    rule: str
    value: str
    rows: tuple[int, ...] = ()


@dataclass
class Evidence:
    """Ties by name, each with the rows that it joins (ascending, of two vehicles at least), and what was refused."""

    ties: dict[str, list[int]] = field(default_factory=dict)
    refused: list[RefusedTie] = field(default_factory=list)

    def add(self, name: str, rows: Collection[int], rule: str, value: str = "") -> None:
        """Take up a tie, or refuse it where a rule is named."""
        if rule:
            self.refused.append(RefusedTie(name, rule, value, tuple(rows)))
        else:
            self.ties[name] = list(rows)


def strength(name: str) -> int:
    """Return where a tie's kind stands among all, 0 the strongest; behind them what is no tie ('alone')."""
    kind = name.partition(":")[0]
    return STRENGTH.index(kind) if kind in STRENGTH else len(STRENGTH)


def same_vin(offers: Offers) -> Evidence:
    """Tie what has one VIN, unless it is a made-up one or stands on cars of several makes or model years."""
    found = Evidence()
    group, names = codes(offers.texts["vin"])
    rows = np.flatnonzero(group >= 0)
    for code, members in _spanning(group[rows], rows, offers):
        vin = names[code].as_py()
        makes = set(offers.make[members].tolist()) - {-1}
        years = offers.year[members][~np.isnan(offers.year[members])]
        rule = value = ""
        if read_vin(vin) != vin or len(set(vin)) < FEWEST_SIGNS_OF_A_VIN:
            rule, value = "vin.placeholder", f"{len(members)} listings"
        elif len(makes) > 1 or (years.size and years.max() - years.min() > MOST_YEARS_OF_A_VIN):
            model_years = ", ".join(str(int(year)) for year in np.unique(years))
            rule, value = "vin.shared", f"{len(members)} listings, {len(makes)} makes, model years {model_years}"
        found.add(f"vin:{vin}", members.tolist(), rule, value)
    return found


def relist_links(offers: Offers) -> Evidence:
    """Tie a listing to the one that it is a relist of, by the source's word (eBay's: 'or one like it')."""
    tellers = np.flatnonzero(pc.is_valid(offers.texts["relist_of"]).to_numpy(zero_copy_only=False))
    named = pc.binary_join_element_wise(offers.texts["source"], offers.texts["relist_of"], "/")
    named = named.take(pa.array(tellers))
    target = positions(named, offers.keys)
    ones, others = [tellers[target >= 0]], [target[target >= 0]]
    unseen = target < 0  # a listing that was never read: those that name it are tied to each other
    group, rows = codes(named)[0][unseen], tellers[unseen]
    for _, members in _spanning(group, rows, offers):
        ones.append(members[:-1])
        others.append(members[1:])
    one, other = np.concatenate(ones), np.concatenate(others)
    pairs = Pairs(np.minimum(one, other), np.maximum(one, other), np.zeros(len(one), np.int64))
    pairs = pairs.chosen(offers.vehicle[pairs.one] != offers.vehicle[pairs.other])
    different = contradicted(offers, pairs)
    found = Evidence()
    for i, j, wrong in zip(pairs.one.tolist(), pairs.other.tolist(), different.tolist(), strict=True):
        rule = "relist.contradicted" if wrong else ""
        found.add(_pair("relist", offers, i, j), (i, j), rule, "another VIN, year or mileage" if wrong else "")
    return found


def same_origin(offers: Offers, *, most: int) -> Evidence:
    """Tie one seller's listings of one origin: the instant of the first listing, which the Browse API keeps on relists.

    A dealer's upload lists many cars in one second, so equal instants alone are no proof (`pairs.put_up_again`).
    """
    origin = offers.texts["origin_at"]
    rows = np.flatnonzero((offers.seller >= 0) & pc.is_valid(origin).to_numpy(zero_copy_only=False))
    instants = codes(origin)[0][rows]
    group = offers.seller[rows] * (instants.max(initial=0) + 1) + instants
    return _alike("origin", offers, group, rows, most=most, shown=lambda row: origin[row].as_py())


def same_title(offers: Offers, *, most: int) -> Evidence:
    """Tie one seller's listings under one title, where nothing contradicts it (`pairs.put_up_again`).

    Only sellers who list something new are looked at: the others' listings were compared before.
    """
    sellers = np.zeros(offers.seller.max(initial=-1) + 1, dtype=bool)
    sellers[offers.seller[offers.is_new & (offers.seller >= 0)]] = True
    count = np.bincount(offers.seller[offers.seller >= 0], minlength=len(sellers))
    rows = np.flatnonzero(offers.seller >= 0)
    rows = rows[sellers[offers.seller[rows]] & (count[offers.seller[rows]] > 1)]
    spelling, written = codes(offers.texts["title"].take(pa.array(rows)))
    keys: dict[str, int] = {"": -1}
    key_of = np.array([keys.setdefault(text_key(t), len(keys)) for t in written.to_pylist()] + [-1], dtype=np.int64)
    title = key_of[spelling]  # -1, the last, for no title
    group = offers.seller[rows] * len(keys) + title
    titled = title >= 0
    texts = offers.texts["title"]
    return _alike(
        "title", offers, group[titled], rows[titled], most=most, shown=lambda row: text_key(texts[row].as_py())
    )


def shared_photos(offers: Offers, group: Codes, rows: Codes, names: pa.Array) -> Evidence:
    """Tie what shows copies of one picture, unless many sellers or models do: then it is no picture of one car.

    Args:
        offers: the listings.
        group: (m,) a copy group's number for each photo of a listing.
        rows: (m,) the listing that shows it.
        names: the first photo of each group.
    """
    found = Evidence()
    for code, members in _spanning(group, rows, offers):
        models = len(set(offers.model[members].tolist()) - {-1})
        sellers = len(set(offers.seller[members].tolist()) - {-1})
        stock = models > MOST_MODELS_OF_A_PICTURE or sellers > MOST_SELLERS_OF_A_PICTURE
        value = f"{len(members)} listings, {sellers} sellers, {models} models" if stock else ""
        found.add(f"copy:{names[code].as_py()}", members.tolist(), "copy.stock_photo" if stock else "", value)
    return found


def _alike(kind: str, offers: Offers, group: Codes, rows: Codes, *, most: int, shown: Callable[[int], str]) -> Evidence:
    """Tie pairs within groups that a new listing is in; `shown` names what the listings of a group have in common."""
    found = Evidence()
    names, code = np.unique(group, return_inverse=True)  # sorts; without the inverse it would hash: far slower
    fresh = np.zeros(len(names), dtype=bool)
    fresh[code[offers.is_new[rows]]] = True
    group, rows = group[fresh[code]], rows[fresh[code]]
    for _, members in _spanning(group, rows, offers):
        if len(members) > most:
            row = int(members[0])
            name = f"{kind}:{offers.texts['seller_hash'][row].as_py()}/{shown(row)}"
            found.refused.append(RefusedTie(name, f"{kind}.of_many", f"{len(members)} listings"))
    pairs = pairs_within(group, rows, largest=most)
    good = put_up_again(offers, pairs) & (offers.vehicle[pairs.one] != offers.vehicle[pairs.other])
    pairs = pairs.chosen(good & (offers.is_new[pairs.one] | offers.is_new[pairs.other]))
    for i, j in zip(pairs.one.tolist(), pairs.other.tolist(), strict=True):
        found.add(_pair(kind, offers, i, j), (i, j), "")
    return found


def _pair(kind: str, offers: Offers, one: int, other: int) -> str:
    return f"{kind}:{offers.key(one)}={offers.key(other)}"


def _spanning(group: Codes, rows: Codes, offers: Offers) -> Iterable[tuple[int, Codes]]:
    """Yield (group, its rows ascending) for groups whose rows belong to two vehicles at least."""
    if not len(group):
        return
    names, group = np.unique(group, return_inverse=True)
    vehicle = offers.vehicle[rows]
    low = np.full(len(names), np.iinfo(np.int64).max)
    high = np.full(len(names), -1)
    np.minimum.at(low, group, vehicle)
    np.maximum.at(high, group, vehicle)
    apart = (low != high)[group]
    if not apart.any():
        return
    group, rows = group[apart], rows[apart]
    order = np.lexsort((rows, group))
    group, rows = group[order], rows[order]
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    for code, members in zip(group[starts], np.split(rows, starts[1:]), strict=True):
        yield int(names[code]), np.unique(members)
