"""The queries that docs/ios.md gives an app answer as `identify` does."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from autodetect.prices.lookup import APPLICATION_ID, SQLITE_SCHEMA_VERSION, offers_of, price_of

PAGE = (Path(__file__).parents[2] / "docs" / "ios.md").read_text("utf-8")
CLASS, PRICE, OFFERS = re.search(r"```sql\n(.*?)```", PAGE, re.DOTALL)[1].strip().split("\n\n")


def rows(path, query, value):
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(query, (value,))]


def test_the_pages_queries_find_the_price_and_the_offers_that_identify_tells(market, tmp_path):
    sold = [market.sold(f"s{i}", 10_000 + 500 * i) for i in range(20)]
    asked = [market.asking(f"a{i}", 9_000 + 100 * i) for i in range(7)]
    euros = [market.asking(f"b{i}", 5_000 + i, make_model_id=market.audi, currency="EUR") for i in range(3)]
    sqlite = market.files(tmp_path, sold + asked + euros).sqlite

    [found] = rows(sqlite, CLASS, "Ford Mustang")
    assert found == {"make_model_id": market.ford}
    for make_model_id in (market.ford, market.audi):
        [price] = rows(sqlite, PRICE, make_model_id)
        expected = price_of(sqlite, make_model_id).model_dump(mode="json")
        assert price == {name: expected[name] for name in price}
        offers, known = rows(sqlite, OFFERS, make_model_id), offers_of(sqlite, make_model_id)
        assert offers[0] == {"currency": known.currency, "count": known.count, "average": known.average}
    assert rows(sqlite, OFFERS, "no-such-car") == []


def test_the_page_names_the_marks_of_the_file():
    assert f"`PRAGMA application_id` = 0x{APPLICATION_ID:X}" in PAGE
    assert f"`PRAGMA user_version` = {SQLITE_SCHEMA_VERSION}" in PAGE
