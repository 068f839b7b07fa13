"""The funnel behind a figure: from what the sources showed of a make and model to its price, rule by rule.

Nothing of it is kept by the night: the rules are asked again, about the rows that the newest price receipt stands on.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.errors import UsageError
from autodetect.lake.lake import Lake
from autodetect.lake.receipts import ReceiptBook, night_filter
from autodetect.lake.schemas import MAKE_MODELS, PRICES, SIGHTINGS
from autodetect.prices.listed import listed
from autodetect.prices.sqlite.lookup import PriceFact, bare
from autodetect.prices.table.comparables import BASES, RULES, USED
from autodetect.prices.table.price_table import PriceTable, price_table
from autodetect.records import Record
from autodetect.sections import PriceSettings

MOST_EXAMPLES = 5
MOST_SUGGESTIONS = 5
_LIKE_ENOUGH = 60  # rapidfuzz' WRatio, 0 to 100: below it a name is no suggestion


class Example(Record):
    """A listing that a rule left out."""

    source: str
    item_id: str
    title: str
    price: float | None
    currency: str


class Step(Record):
    """A rule, how many listings it left out, and a few of them."""

    rule: str
    count: int
    examples: tuple[Example, ...]


class Funnel(Record):
    """From the candidates of one basis to its figures; `steps` are in the order in which the rules are asked.

    `newest` is the date of the newest listing that is used, to `figures.precision`.
    """

    basis: str
    candidates: int
    steps: tuple[Step, ...]
    used: int
    newest: date | None
    figures: PriceFact | None


class Explanation(Record):
    """Where the prices of a make and model come from.

    `sightings` are counted by kind, `listings` by status; `bands` and `regions` are the rows of the price table below
    the headline. `notes` say where what is told differs from what the night published.
    """

    make_model_id: str
    name: str
    night: date
    sightings: dict[str, int]
    listings: dict[str, int]
    funnels: tuple[Funnel, ...]
    bands: tuple[PriceFact, ...]
    regions: tuple[PriceFact, ...]
    notes: tuple[str, ...]


def explain(lake: Lake, receipts: ReceiptBook, make_model_id: str, *, settings: PriceSettings) -> Explanation:
    """Return where the newest prices of a make and model come from.

    Args:
        lake: the tables, read at the versions that stood when the newest price receipt was written.
        receipts: the lake's receipts.
        make_model_id: an id of the catalogue, or make and model as a person writes them.
        settings: the rules' bounds; those of the night, or the notes say that they changed.

    Raises:
        UsageError: no night has prices yet, or none knows the make and model.
    """
    priced = receipts.newest("price")
    if priced is None:
        raise UsageError(f"no night of the lake {lake.url} has prices yet", "run `autodetect nightly` first")
    versions = receipts.baseline(priced.night, "")
    make_models = lake.tables.read(MAKE_MODELS, version=versions[MAKE_MODELS.name]).to_pandas()
    wanted = _known(make_model_id, make_models, priced.night)
    listings = listed(lake, versions)
    mine = listings[listings["make_model_id"] == wanted]
    made = price_table(listings, make_models, night=priced.night, settings=settings)
    of_model = night_filter(priced.night) & (pc.field("make_model_id") == wanted)
    published = lake.tables.read(PRICES, version=priced.versions[PRICES.name], where=of_model)
    rows = [PriceFact.model_validate(row) for row in _told(published).to_pylist()]
    titles = mine.set_index(["source", "item_id"])["title"]
    [name] = _names(make_models[make_models["make_model_id"] == wanted])
    return Explanation(
        make_model_id=wanted,
        name=name,
        night=priced.night,
        sightings=_sightings(lake, versions, mine),
        listings={str(k): int(n) for k, n in mine["status"].fillna("unknown").value_counts().sort_index().items()},
        funnels=tuple(_funnels(made, wanted, rows, titles)),
        bands=tuple(row for row in rows if row.year_band),
        regions=tuple(row for row in rows if row.region),
        notes=tuple(_notes(made, wanted, published)),
    )


def _known(asked: str, make_models: pd.DataFrame, night: date) -> str:
    """Return the make_model_id that is meant."""
    from rapidfuzz import fuzz, process

    ids = make_models["make_model_id"].tolist()
    by_name = dict(zip((name.casefold() for name in _names(make_models)), ids, strict=True))
    if asked in ids:
        return asked
    if asked.casefold() in by_name:
        return by_name[asked.casefold()]
    alike = [make_model_id for name, make_model_id in by_name.items() if bare(name) == bare(asked)]
    if alike:
        return alike[0]
    choices = {make_model_id: f"{make_model_id} {name}" for name, make_model_id in by_name.items()}
    like = process.extract(
        asked.casefold(), choices, scorer=fuzz.WRatio, limit=MOST_SUGGESTIONS, score_cutoff=_LIKE_ENOUGH
    )
    meant = ", ".join(make_model_id for _, _, make_model_id in like)
    remedy = f"perhaps one of: {meant}" if meant else "write it as the catalogue does, such as ford/mustang"
    raise UsageError(f"the catalogue of the night of {night} has no make and model {asked!r}", remedy)


def _names(make_models: pd.DataFrame) -> list[str]:
    return (make_models["make"].fillna("") + " " + make_models["model"].fillna("")).str.strip().tolist()


def _sightings(lake: Lake, versions: Mapping[str, int], listings: pd.DataFrame) -> dict[str, int]:
    """Return how often the sources showed these listings, by kind of sighting."""
    key = ["source", "item_id"]
    wanted = pc.field("item_id").isin(pa.array(listings["item_id"].unique(), pa.string()))
    found = lake.tables.read(SIGHTINGS, version=versions[SIGHTINGS.name], columns=[*key, "kind"], where=wanted)
    kinds = found.to_pandas().merge(listings[key], on=key)["kind"].value_counts().sort_index()
    return {str(kind): int(count) for kind, count in kinds.items()}


def _funnels(made: PriceTable, make_model_id: str, rows: list[PriceFact], titles: pd.Series) -> Iterator[Funnel]:
    verdicts = made.verdicts[made.verdicts["make_model_id"] == make_model_id]
    headlines = {row.basis: row for row in rows if not row.year_band and not row.region}
    for basis in BASES:
        mine = verdicts[verdicts["basis"] == basis]
        used = mine[mine["rule"] == USED]
        if len(mine):
            yield Funnel(
                basis=basis,
                candidates=len(mine),
                steps=tuple(_steps(mine, titles)),
                used=len(used),
                newest=used["ends"].max().date() if len(used) else None,
                figures=headlines.get(basis),
            )


def _steps(mine: pd.DataFrame, titles: pd.Series) -> Iterator[Step]:
    for rule in RULES:
        refused = mine[mine["rule"] == rule]
        if len(refused):
            shown = refused.sort_values(["source", "item_id"]).head(MOST_EXAMPLES)
            yield Step(rule=rule, count=len(refused), examples=tuple(_examples(shown, titles)))


def _examples(rows: pd.DataFrame, titles: pd.Series) -> Iterator[Example]:
    for row in rows.to_dict("records"):
        title, currency, price = titles[row["source"], row["item_id"]], row["currency"], row["price"]
        yield Example(
            source=row["source"],
            item_id=row["item_id"],
            title=title if isinstance(title, str) else "",
            price=None if pd.isna(price) else price,
            currency=currency if isinstance(currency, str) else "",
        )


def _told(prices: pa.Table) -> pa.Table:
    """Return what a person is told of price rows, in the order of the table's key."""
    ordered = prices.sort_by([(name, "ascending") for name in PRICES.key])
    return ordered.select(list(PriceFact.model_fields))


def _notes(made: PriceTable, make_model_id: str, published: pa.Table) -> Iterator[str]:
    again = made.rows.filter(pc.equal(made.rows["make_model_id"], make_model_id))
    if not _told(again).equals(_told(published)):
        yield "the rules or their settings have changed since: they would give other figures than the night's"
