"""What grouping looks at of every listing: columns side by side, no object per listing."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Offers:
    """n listings in the order of their keys, each once.

    Args:
        keys: (n,) text, `source/item_id`, ascending.
        vehicle: (n,) the number of the vehicle that a listing belongs to; a new listing has one of its own.
        is_new: (n,) bool: no vehicle is stored for it.
        model, make: (n,) numbers that are equal for equal ones; -1 where the catalogue names none.
        seller: (n,) likewise; sellers of two sources are never the same.
        year, mileage: (n,) float64, miles; NaN where the listing does not say.
        first_seen, last_seen: (n,) days since 1970.
        offered: (n,) bool: it was up for sale in those days (an import, or a sale that nobody offered before, was not).
        texts: (n,) text by column of `listings`: source, vin, seller_hash, title, origin_at, relist_of; null for none.
    """

    keys: pa.Array
    vehicle: Codes
    is_new: NDArray[np.bool_]
    model: Codes
    make: Codes
    seller: Codes
    year: NDArray[np.float64]
    mileage: NDArray[np.float64]
    first_seen: Codes
    last_seen: Codes
    offered: NDArray[np.bool_]
    texts: dict[str, pa.Array]

    def __len__(self) -> int:
        return len(self.keys)

    def key(self, row: int) -> str:
        """Return a listing's key."""
        return str(self.keys[row].as_py())


def offers_of(listings: pa.Table, vehicle: Codes, is_new: NDArray[np.bool_]) -> Offers:
    """Return what grouping looks at.

    Args:
        listings: rows of `listings`, each once, in the order of their keys.
        vehicle: (n,) the number of each one's vehicle.
        is_new: (n,) whether it has none yet.
    """
    texts = {name: said(listings[name]) for name in ("source", "vin", "seller_hash", "title", "origin_at", "relist_of")}
    models = said(listings["make_model_id"])
    makes = pc.list_element(pc.split_pattern(models, "/", max_splits=1), 0)
    sellers = pc.binary_join_element_wise(texts["source"], texts["seller_hash"], "/")
    status, asked = listings["status"], listings["asking_price"]
    offered = pc.or_(pc.is_in(status, pa.array(["active", "missing", "ended"])), pc.is_valid(asked))
    offered = pc.and_(offered, pc.not_equal(status, "imported"))
    return Offers(
        keys=listing_keys(listings),
        vehicle=vehicle,
        is_new=is_new,
        model=codes(models)[0],
        make=codes(makes)[0],
        seller=codes(sellers)[0],
        year=_numbers(listings["year"]),
        mileage=_numbers(listings["mileage"]),
        first_seen=_days(listings["first_seen"]),
        last_seen=_days(listings["last_seen"]),
        offered=pc.fill_null(offered, False).to_numpy(zero_copy_only=False),
        texts=texts,
    )


def listing_keys(rows: pa.Table) -> pa.Array:
    """Return `source/item_id` of each row."""
    return _whole(pc.binary_join_element_wise(rows["source"], rows["item_id"], "/"))


def codes(texts: pa.Array | pa.ChunkedArray) -> tuple[Codes, pa.Array]:
    """Return a number for each text, equal for equal ones and -1 for null, and the texts by number."""
    encoded = _whole(texts).dictionary_encode()
    return pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary


def positions(texts: pa.Array | pa.ChunkedArray, among: pa.Array) -> Codes:
    """Return where each text stands in `among`, whose texts differ; -1 for null and for one that is not there."""
    found = pc.index_in(_whole(texts), value_set=among, skip_nulls=True)
    return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def said(texts: pa.ChunkedArray) -> pa.Array:
    """Return texts with null for empty ones."""
    return _whole(pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts))


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    numbers = _whole(column).cast(pa.float64())
    return pc.fill_null(numbers, float("nan")).to_numpy(zero_copy_only=False)


def _days(column: pa.ChunkedArray) -> Codes:
    return _whole(column).cast(pa.int32()).to_numpy(zero_copy_only=False).astype(np.int64)
