"""The frontier: everything is asked once, in as few calls as it takes, and goes on where it stopped."""

import uuid
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawlers.advert import Advert, SearchAnswer, sighting
from crawlers.coverage import Coverage
from crawlers.frontier import NOT_OFFERED, Frontier
from crawlers.items import Failed, Listing, Page, Photo, PutOff
from crawlers.ledger import SALES_READ_TO, Ledger
from crawlers.rules import ASKING, SOLD
from crawlers.slices import Slice, fewest_calls
from tests.crawlers.source import NIGHT, PROVENANCE, RULES, Source, car, crawl, ledger_path, work_through

CARS = st.lists(
    st.tuples(
        st.sampled_from(["Audi", "BMW", "Ford", "Ford", "Ford", "Saab", ""]),
        st.sampled_from(["2011", "2012", "2012", "2012", "2013", ""]),
        st.integers(1, 60),
    ),
    max_size=700,
)


def market(rows: list[tuple[str, str, int]]) -> Source:
    return Source({str(n): car(n, make, year, price * 1000) for n, (make, year, price) in enumerate(rows)})


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=CARS)
def test_every_listing_is_found_and_read_exactly_once(rows: list[tuple[str, str, int]], tmp_path: Path) -> None:
    source = market(rows)
    ledger = crawl(source, tmp_path / uuid.uuid4().hex)
    found = [item_id for (item_id,) in ledger.execute("SELECT item_id FROM seen WHERE kind = 'asking'")]
    ties = Counter(rows)
    if max(ties.values(), default=0) < RULES.reach:  # more of one make, year and price no search can tell apart
        assert sorted(found) == sorted(source.adverts)
        assert Coverage(ledger).is_complete is bool(rows)
    read = {work.item_id: count for work, count in source.asked.items() if isinstance(work, Listing)}
    assert read == dict.fromkeys(found, 1)
    assert all(count == 1 for work, count in source.asked.items() if isinstance(work, Page))


def test_searching_costs_hardly_more_than_the_lower_bound(tmp_path: Path) -> None:
    ford = [("Ford", str(2000 + n % 20), n % 50) for n in range(900)] + [("Ford", "2012", n) for n in range(400)]
    source = market([*ford, *[(f"Make {n % 40}", "2012", 5) for n in range(600)]])
    ledger = crawl(source, tmp_path)
    assert ledger.value("SELECT count(*) FROM seen") == 1_900
    bound = fewest_calls(1_900, RULES.page_size)
    assert source.searches() - 1 <= 1.15 * bound  # one page is the empty search for sales


def test_where_the_source_does_not_tell_sizes_the_known_makes_and_years_find_all(tmp_path: Path) -> None:
    rules = replace(RULES, makes=("Audi", "Ford"), years=tuple(str(year) for year in range(2000, 2020)))
    source = market([("Ford", str(2000 + n % 20), n) for n in range(300)] + [("Audi", "2012", 5)] * 30)
    source.tells = False
    ledger = crawl(source, tmp_path, rules)
    assert ledger.value("SELECT count(*) FROM seen") == 330
    assert Coverage(ledger).is_complete


@pytest.mark.parametrize("killed_after", [1, 7, 40, 90])
def test_a_crawl_that_stops_anywhere_asks_again_only_what_was_in_flight(killed_after: int, tmp_path: Path) -> None:
    source = Source({str(n): car(n, "Ford" if n % 2 else "Audi", photos=1) for n in range(130)})
    with Ledger(tmp_path, NIGHT, {"night": "1"}) as ledger:
        work_through(source, Frontier(ledger, RULES, PROVENANCE), at_most=killed_after)
    again = Source(source.adverts)
    ledger = crawl(again, tmp_path)
    assert not set(source.asked) & set(again.asked)
    assert ledger.value("SELECT count(*) FROM sightings") == 130
    assert ledger.value("SELECT count(*) FROM photos WHERE state = 'done'") == 130


def test_the_budget_reads_what_it_can_changed_listings_and_new_ones_first_and_leaves_the_rest(tmp_path: Path) -> None:
    source = market([("Ford", "2012", n) for n in range(40)])
    rules = replace(RULES, daily_calls=15)
    with Ledger(tmp_path, NIGHT, {"night": "1"}) as ledger:
        ledger.execute("INSERT INTO known_listings (item_id, digest, summary) VALUES ('3', 'old', 'old')")
    ledger = crawl(source, tmp_path, rules)
    read = [work.item_id for work in source.asked if isinstance(work, Listing)]
    assert source.searches() == 5
    assert read == ["3", *(str(n) for n in range(39, 30, -1))]
    assert ledger.value("SELECT count(*) FROM listings WHERE state = 'open'") == 30
    assert ledger.value("SELECT count(*) FROM seen") == 40


def test_searching_takes_its_share_of_the_budget_and_the_stalest_makes_come_first(tmp_path: Path) -> None:
    source = market([(make, "2012", n) for make in ("Audi", "BMW", "Ford") for n in range(80)])
    with Ledger(tmp_path, NIGHT, {"night": "1"}) as ledger:
        ledger.execute("INSERT INTO known_makes VALUES ('Audi', '2026-10-31'), ('BMW', '2026-10-30')")
    ledger = crawl(source, tmp_path, replace(RULES, daily_calls=40, search_calls=18), most=1)
    coverage = Coverage(ledger)
    assert coverage.done_makes == {"Ford", "BMW"}
    states = {part.name: part.state for part in coverage.slices if part.kind == ASKING}
    assert states == {"all": "split", "Make=Ford": "done", "Make=BMW": "done", "Make=Audi": "deferred"}
    assert not coverage.is_complete


def test_a_source_that_ignores_the_filter_is_noticed_and_not_read_ten_times_over(tmp_path: Path) -> None:
    class Ignoring(Source):
        def _page(self, page: Page) -> SearchAnswer:
            return super()._page(replace(page, part=Slice()))

    source = Ignoring(market([(make, "2012", n) for make in ("Audi", "Ford") for n in range(90)]).adverts)
    ledger = crawl(source, tmp_path, most=1)
    coverage = Coverage(ledger)
    assert {part.cause for part in coverage.slices if part.state == "failed"} == {"filter_ignored"}
    assert source.searches() <= 5
    assert not coverage.is_complete
    assert ledger.execute("SELECT DISTINCT slice FROM seen").fetchall() == [("all",)]


def test_more_listings_of_one_price_than_a_search_can_show_are_told_as_inseparable(tmp_path: Path) -> None:
    ledger = crawl(market([("Ford", "2012", 5)] * 250), tmp_path)
    coverage = Coverage(ledger)
    assert "inseparable" in {part.cause for part in coverage.slices}
    assert not coverage.is_complete
    assert 0 < coverage.share(PROVENANCE.night, 3) < 1


def test_failed_work_is_tried_again_by_the_next_attempt(tmp_path: Path) -> None:
    with Ledger(tmp_path, NIGHT, {"night": "1"}) as ledger:
        frontier = Frontier(ledger, RULES, PROVENANCE)
        frontier.begin()
        work = frontier.next(most_photos=1, most_others=1)
        assert work == Page(ASKING, Slice(), 0)
        assert frontier.next(most_photos=1, most_others=1) is None
        frontier.record(Failed(work, "http_500"))
        assert frontier.next(most_photos=1, most_others=1) is None
        again = Frontier(ledger, RULES, PROVENANCE)
        again.begin()
        assert again.next(most_photos=1, most_others=1) == work


def test_what_was_put_off_stays_open_and_nothing_further_is_handed_out(tmp_path: Path) -> None:
    with Ledger(tmp_path, NIGHT, {"night": "1"}) as ledger:
        frontier = Frontier(ledger, RULES, PROVENANCE)
        frontier.begin()
        frontier.record(PutOff(frontier.next(most_photos=1, most_others=1)))
        assert frontier.next(most_photos=1, most_others=1) is None
        assert ledger.value("SELECT state FROM pages") == "open"


def test_sales_that_a_source_does_not_offer_leave_no_trace(tmp_path: Path) -> None:
    source = market([("Ford", "2012", 5)])
    with Ledger(tmp_path, NIGHT, {"night": "1"}) as ledger:
        frontier = Frontier(ledger, RULES, PROVENANCE)
        frontier.begin()
        frontier.record(source.answer(frontier.next(most_photos=1, most_others=1)))
        sold = frontier.next(most_photos=1, most_others=1)
        assert sold == Page(SOLD, Slice(), 0)
        frontier.record(Failed(sold, NOT_OFFERED))
        assert ledger.announced(SOLD) is None
        assert ledger.value("SELECT count(*) FROM pages WHERE kind = 'sold'") == 0


def test_a_known_listing_whose_photos_are_lacking_costs_only_the_photos(tmp_path: Path) -> None:
    source = Source({"7": car(7)})
    crawl(source, tmp_path)
    summary = next(work.summary for work in source.asked if isinstance(work, Listing))
    ledger_path(tmp_path).unlink()
    with Ledger(tmp_path, NIGHT, {"night": "1"}) as ledger:
        ledger.execute("INSERT INTO known_listings (item_id, digest, summary) VALUES ('7', 'd', ?)", summary)
        ledger.execute("INSERT INTO lacking_photos VALUES ('7', 1, 'https://photos.invalid/7/1')")
    again = Source(source.adverts)
    crawl(again, tmp_path)
    assert [work for work in again.asked if not isinstance(work, Page)] == [Photo("7", 1, "https://photos.invalid/7/1")]


def test_a_make_that_is_read_in_parts_is_covered_though_some_of_it_was_seen_on_the_way(tmp_path: Path) -> None:
    """The first pages of the whole and of the make show listings that belong to a part of it."""
    source = market([("Ford", "2012", n) for n in range(230)] + [("Audi", "2012", 5)] * 40)
    coverage = Coverage(crawl(source, tmp_path))
    assert coverage.is_complete
    assert coverage.done_makes == {"Audi", "Ford"}
    assert sum(part.found for part in coverage.slices if part.kind == ASKING) == 270


def test_half_of_the_years_may_hold_everything(tmp_path: Path) -> None:
    """A source that tells no sizes, and a market of one make whose cars are all of late years."""
    rules = replace(RULES, makes=("Audi", "Ford"), years=tuple(str(year) for year in range(1900, 2028)))
    source = market([("Ford", str(2000 + n % 20), n) for n in range(190)])
    source.tells = False
    ledger = crawl(source, tmp_path, rules)
    assert ledger.seen(ASKING) == 190
    assert Coverage(ledger).is_complete


def test_a_listing_belongs_to_the_narrowest_slice_that_showed_it_however_long_its_name(tmp_path: Path) -> None:
    """Halves of the years have shorter names than the whole of them."""
    rules = replace(RULES, makes=("Audi", "Ford"), years=tuple(str(year) for year in range(2000, 2020)))
    source = market([("Ford", str(2000 + n % 20), n) for n in range(300)] + [("Audi", "2012", 5)] * 30)
    source.tells = False
    parts = [part for part in Coverage(crawl(source, tmp_path, rules)).slices if part.kind == ASKING]
    assert {part.found for part in parts if part.state == "split"} == {0}
    assert all(part.found == part.announced for part in parts if part.state == "done")


def test_prices_that_the_source_converted_are_divided_as_it_shows_them(tmp_path: Path) -> None:
    class Abroad(Source):
        def _page(self, page: Page) -> SearchAnswer:
            answer = super()._page(page)
            own = {"currency": "CAD", "converted_currency": "USD"}
            return replace(
                answer,
                entries=tuple(
                    replace(entry, price=str(1.4 * float(entry.price)), converted_price=entry.price, **own)
                    for entry in answer.entries
                ),
            )

    ledger = crawl(Abroad(market([("Ford", "2012", n) for n in range(350)]).adverts), tmp_path)
    assert ledger.seen(ASKING) == 350
    assert Coverage(ledger).is_complete


@pytest.mark.parametrize("price", ["", "ask", "0"])
def test_prices_that_lead_no_further_end_the_search_and_not_the_crawl(price: str, tmp_path: Path) -> None:
    class Unsorted(Source):
        def _page(self, page: Page) -> SearchAnswer:
            answer = super()._page(page)
            return replace(answer, entries=tuple(replace(entry, price=price) for entry in answer.entries))

    source = Unsorted(market([("Ford", "2012", n) for n in range(250)]).adverts)
    coverage = Coverage(crawl(source, tmp_path))
    assert "inseparable" in {part.cause for part in coverage.slices}
    assert source.searches() <= 24


@pytest.mark.parametrize("count", [60, 130])
def test_pages_that_show_nothing_of_what_they_announce_prove_no_absence(count: int, tmp_path: Path) -> None:
    class Silent(Source):
        def _page(self, page: Page) -> SearchAnswer:
            answer = super()._page(page)
            return replace(answer, entries=answer.entries if page.offset == 0 else ())

    source = Silent(market([("Ford" if n % 2 else "Audi", "2012", n) for n in range(count)]).adverts)
    coverage = Coverage(crawl(source, tmp_path))
    assert not coverage.is_complete
    assert not coverage.done_makes
    assert {part.cause for part in coverage.slices if part.state == "failed"} == {"not_shown"}


@pytest.mark.parametrize(("read_to", "pages"), [("", 6), ("2026-10-20", 4), ("2026-11-01", 1)])
def test_sales_newest_first_are_read_until_all_are_known_and_their_time_was_read_before(
    read_to: str, pages: int, tmp_path: Path
) -> None:
    """The night before was stopped after the first page; an earlier one had read all until a date."""

    class Sales(Source):
        def _page(self, page: Page) -> SearchAnswer:
            if page.kind == ASKING:
                return super()._page(page)
            return SearchAnswer(total=60, entries=sold[page.offset : page.offset + RULES.page_size])

    sold = tuple(Advert(item_id=str(n), sold_on=PROVENANCE.night - timedelta(n // 2)) for n in range(60))
    sales = [sighting(entry, PROVENANCE) for entry in sold]
    source = Sales({})
    with Ledger(tmp_path, NIGHT, {"night": "1"}) as ledger:
        for number, sale in enumerate(sales):
            day = sale.observed_on.isoformat()
            if number < RULES.page_size or day <= read_to:
                ledger.execute("INSERT INTO known_sales VALUES (?, ?, ?)", sale.item_id, day, sale.digest)
        ledger.note(SALES_READ_TO, read_to)
    crawl(source, tmp_path, replace(RULES, stop_at_known=frozenset({SOLD})))
    assert sum(isinstance(work, Page) and work.kind == SOLD for work in source.asked) == pages
