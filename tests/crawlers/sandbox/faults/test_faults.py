"""The sandbox's faults over real HTTP: each does what it is called, to the requests it is meant for, and is counted."""

import asyncio
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from protego import Protego
from web_poet import HttpResponse, WebPage

from autodetect.errors import UsageError
from crawlers.pages.item_page import ItemPage
from crawlers.pages.search_page import SearchPage
from crawlers.sandbox.faults.disturbances import DISTURBANCES
from crawlers.sandbox.faults.kinds import KINDS, parse_fault
from crawlers.sandbox.process import sandbox_process

ROOT = Path(__file__).parents[4]
SEARCH = "/buy/browse/v1/item_summary/search?category_ids=6001"
SALES = "/buy/marketplace_insights/v1_beta/item_sales/search?category_ids=6001"
ITEM = "/buy/browse/v1/item/v1%7C10000000000{}%7C0"
BROWSE = "/b/Cars-Trucks/6001/bn_1865117"
PHOTO = "/images/g/aa/s-l{}.jpg"
Connect = Callable[[str], AbstractContextManager[httpx.Client]]
Serve = Callable[..., AbstractContextManager[httpx.Client]]


@pytest.fixture
def serve(tiny: Path, connect: Connect) -> Serve:
    """Serves the tiny marketplace with faults: `with serve("errors:every=2", seed=1) as api`."""

    @contextmanager
    def faulty(*faults: str, seed: int = 0) -> Iterator[httpx.Client]:
        options = (*(f"--fault={fault}" for fault in faults), "--fault-seed", str(seed))
        with sandbox_process(tiny, 1, options=options) as url, connect(url) as api:
            yield api

    return faulty


def statuses(api: httpx.Client, *paths: str) -> list[int]:
    return [api.get(path).status_code for path in paths]


def counts(api: httpx.Client) -> tuple[dict[str, int], dict[str, int]]:
    status = api.get("/sandbox/status").json()
    return status["requests"], status["faults"]


def read(page: type[WebPage], answer: httpx.Response) -> Any:
    response = HttpResponse(url=str(answer.url), body=answer.content, headers=dict(answer.headers))
    return asyncio.run(page(response).to_item())


def test_every_fault_that_can_be_asked_for_can_be_served() -> None:
    assert list(KINDS) == list(DISTURBANCES)


def test_an_unknown_fault_is_told_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="there is no fault 'quoto'") as refusal:
        parse_fault("quoto:calls=3")
    assert refusal.value.remedy == f"choose from: {', '.join(KINDS)}"


def test_an_unknown_key_is_told_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="rate has no key 'after_all'") as refusal:
        parse_fault("rate:every=2,after_all=3")
    assert refusal.value.remedy == "its keys: on, every, after, times, retry_after, as"


@pytest.mark.parametrize(
    "text",
    [
        "errors:every=0", "errors:every=-1", "errors:every=x", "errors:every", "errors:every=1.5", "errors:status=200",
        "errors:status=700", "errors:on=shop", "errors:on=", "slow:seconds=nan", "slow:seconds=inf", "slow:seconds=-1",
        "rate:as=hours", "robots:rules=some", "quota:calls=many", "storm:after=-1",
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_refused_with_the_fault_named(text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_fault(text)
    assert repr(text) in refusal.value.what
    assert refusal.value.remedy


@given(
    name=st.sampled_from(sorted(set(KINDS) - {"quota"})),
    numbers=st.tuples(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(0, 10**6)),
    sides=st.lists(st.sampled_from(["api", "web", "photos", "token", "robots"]), min_size=1),
)
def test_every_fault_takes_the_keys_that_all_have(name: str, numbers: tuple[int, int, int], sides: list[str]) -> None:
    every, after, times = numbers
    fault = parse_fault(f"{name}:on={'|'.join(sides)},every={every},after={after},times={times}")
    assert (fault.every, fault.after, fault.times, fault.sides) == (every, after, times, frozenset(sides))


@given(every=st.integers(2, 20), seed=st.integers(0, 1000))
def test_one_address_in_so_many_is_hit_and_which_ones_the_seed_decides(every: int, seed: int) -> None:
    fault = parse_fault(f"errors:every={every}")
    urls = [f"/images/g/{number}/s-l1600.jpg" for number in range(2000)]
    hit = [fault.aims_at(url, seed) for url in urls]
    assert 0.6 / every < sum(hit) / len(urls) < 1.5 / every
    assert hit != [fault.aims_at(url, seed + 1) for url in urls]
    assert hit != [parse_fault(f"rate:every={every}").aims_at(url, seed) for url in urls]


def test_the_same_addresses_are_hit_in_whatever_order_they_are_asked(serve: Serve) -> None:
    paths = [PHOTO.format(size) for size in range(100, 140)]
    with serve("errors:every=4", seed=5) as api:
        forwards = dict(zip(paths, statuses(api, *paths), strict=True))
    with serve("errors:every=4", seed=5) as api:
        backwards = dict(zip(paths[::-1], statuses(api, *paths[::-1]), strict=True))
    with serve("errors:every=4", seed=6) as api:
        other_seed = dict(zip(paths, statuses(api, *paths), strict=True))
    assert forwards == backwards != other_seed
    assert set(forwards.values()) == {200, 503}


def test_a_spent_quota_ends_searches_and_items_but_not_tokens_and_photos(serve: Serve) -> None:
    with serve("quota:calls=3") as api:
        assert statuses(api, PHOTO.format(1600), SEARCH, ITEM.format(1), SALES, PHOTO.format(500)) == [200] * 5
        spent = api.get(ITEM.format(2))
        assert spent.status_code == 429
        assert spent.json()["errors"][0]["errorId"] == 10001
        assert statuses(api, SEARCH, SEARCH, PHOTO.format(1600)) == [429, 429, 200]
        form = {"grant_type": "client_credentials"}
        assert api.post("/identity/v1/oauth2/token", auth=("sandbox", "sandbox"), data=form).status_code == 200
        assert counts(api) == (
            {"token": 2, "photo": 3, "search": 3, "item": 2, "sales": 1, "status": 1}, {"quota": 3},
        )  # fmt: skip


def test_a_rate_limit_says_when_to_come_back_and_lets_the_next_try_pass(serve: Serve) -> None:
    with serve("rate:retry_after=7") as api:
        refused = api.get(SEARCH)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "7")
        assert refused.json()["errors"]
        assert statuses(api, SEARCH, SEARCH) == [200, 200]
    with serve("rate:retry_after=3600,as=date") as api:
        when = parsedate_to_datetime(api.get(PHOTO.format(1600)).headers["retry-after"])
        assert when > datetime.now(UTC)


def test_errors_come_in_bursts_and_end(serve: Serve) -> None:
    with serve("errors:status=502,times=3") as api:
        assert statuses(api, *[SEARCH] * 5) == [502, 502, 502, 200, 200]
        assert counts(api)[1] == {"errors": 3}


def test_a_slow_answer_comes_after_a_patient_visitor_would_have_left(serve: Serve) -> None:
    with serve("slow:seconds=600,on=photos") as api:
        with pytest.raises(httpx.ReadTimeout):
            api.get(PHOTO.format(1600), timeout=0.3)
        assert statuses(api, SEARCH, PHOTO.format(1600)) == [200, 200]


def test_a_captcha_is_a_redirect_to_a_page_that_says_ok(serve: Serve) -> None:
    with serve("captcha:after=1,on=api") as api:
        assert api.get(SEARCH).status_code == 200
        wall = api.get(SEARCH)
        assert wall.status_code == 302
        assert urlsplit(wall.headers["location"]).path == "/splashui/captcha"
        assert parse_qs(urlsplit(wall.headers["location"]).query)["ru"] == [str(wall.url)]
        page = api.get(wall.headers["location"])
        assert page.status_code == 200
        assert "<title>Security Measure | eBay</title>" in page.text
        assert statuses(api, SEARCH, PHOTO.format(1600)) == [302, 200]
        assert counts(api)[0] == {"token": 1, "search": 3, "captcha": 1, "photo": 1, "status": 1}


def test_an_interruption_says_ok_as_well(serve: Serve) -> None:
    with serve("interruption:on=api") as api:
        answer = api.get(SEARCH)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")
        assert "<title>Pardon Our Interruption...</title>" in answer.text


@pytest.mark.parametrize(("fault", "status"), [("forbidden", 403), ("storm", 429)])
def test_from_then_on_everything_is_refused(serve: Serve, fault: str, status: int) -> None:
    with serve(f"{fault}:after=2") as api:
        assert statuses(api, SEARCH, PHOTO.format(1600)) == [200, 200]
        refused = api.get(ITEM.format(1))
        assert refused.status_code == status
        assert "retry-after" not in refused.headers
        assert statuses(api, SEARCH, PHOTO.format(1600), SEARCH, "/robots.txt") == [status] * 3 + [200]


@pytest.mark.parametrize("path", [SEARCH, PHOTO.format(1600), "/images/g/empty/s-l1600.jpg"])
def test_a_truncated_body_is_shorter_than_was_promised(serve: Serve, path: str) -> None:
    with serve("truncated") as api:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            api.get(path)
        assert api.get(path).status_code == 200


def test_a_loop_never_ends_and_never_repeats_an_address(serve: Serve) -> None:
    with serve("loop:on=photos") as api:
        seen, address = [], PHOTO.format(1600) + "?a=1"
        for _ in range(25):
            answer = api.get(address)
            assert answer.status_code == 302
            seen.append(address)
            address = answer.headers["location"]
        assert len(set(seen)) == 25
        assert {urlsplit(each).path for each in seen} == {PHOTO.format(1600)}
        with pytest.raises(httpx.TooManyRedirects):
            api.get(PHOTO.format(1600), follow_redirects=True)
        assert api.get(SEARCH).status_code == 200


def test_photos_are_gone(serve: Serve) -> None:
    with serve("gone") as api:
        assert statuses(api, PHOTO.format(1600), PHOTO.format(1600), SEARCH) == [404, 404, 200]


def test_a_photo_may_be_an_error_page(serve: Serve) -> None:
    with serve("html-photo") as api:
        answer = api.get(PHOTO.format(1600))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_a_photo_may_be_a_bomb(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10**8)  # our own decoder has taken it off: it has a limit of its own
    with serve("bomb") as api:
        answer = api.get(PHOTO.format(1600))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert len(answer.content) < 200
    with pytest.raises(Image.DecompressionBombError, match="2500000000 pixels"):
        Image.open(io.BytesIO(answer.content))


def test_a_photo_may_lead_elsewhere(serve: Serve) -> None:
    with serve("redirect-photo:to=http://127.0.0.1:9/latest/meta-data?a=b&c=d") as api:
        answer = api.get(PHOTO.format(1600))
        assert answer.status_code == 302
        assert answer.headers["location"] == "http://127.0.0.1:9/latest/meta-data?a=b&c=d"


def test_changed_answers_have_no_price_and_no_specifics(serve: Serve) -> None:
    with serve("markup:on=api") as api:
        item, page, sales = (api.get(path).json() for path in (ITEM.format(1), SEARCH, SALES))
    assert item["title"]
    assert not {"price", "localizedAspects"} & item.keys()
    assert page["total"] == 5
    assert all("price" not in summary for summary in page["itemSummaries"])
    assert all("lastSoldPrice" not in sale and "localizedAspects" not in sale for sale in sales["itemSales"])


@pytest.mark.parametrize("markup", ["s-card", "s-item"])
def test_changed_pages_have_a_title_but_no_price_and_no_specifics(tiny: Path, markup: str) -> None:
    seen = []
    for options in ((), ("--fault=markup",)):
        with sandbox_process(tiny, 1, options=("--markup", markup, *options)) as url, httpx.Client(base_url=url) as web:
            item, results = read(ItemPage, web.get("/itm/100000000001")), read(SearchPage, web.get(BROWSE))
        seen.append((item.title, item.price, item.aspects, [(entry.item_id, entry.price) for entry in results.entries]))
    (title, price, aspects, entries), (changed_title, *rest, changed_entries) = seen
    assert title == changed_title == "2012 Ford Mustang GT"
    assert (price, aspects["Make"]) == ("15000.00", "Ford")
    assert rest == ["", {}]
    assert [item_id for item_id, _ in changed_entries] == [item_id for item_id, _ in entries]
    assert any(price for _, price in entries)
    assert not any(price for _, price in changed_entries)


def test_walls_stand_before_pages_and_leave_the_api_alone(serve: Serve) -> None:
    for fault, status in (("captcha:after=1", 302), ("interruption:after=1", 200), ("loop:after=1", 302)):
        with serve(fault) as api:
            assert "srp-results" in api.get(BROWSE).text
            wall = api.get(BROWSE)
            assert (wall.status_code, "srp-results" in wall.text) == (status, False)
            assert (
                statuses(api, SEARCH, ITEM.format(1), PHOTO.format(1600), "/thumbs" + PHOTO.format(1600)) == [200] * 4
            )


def test_pages_too_ignore_filters_and_forget_dates(serve: Serve) -> None:
    narrow = f"{BROWSE}?Make=Ford&Model%2520Year=2013&_udlo=1&_udhi=2"
    with serve() as api:
        assert read(SearchPage, api.get(narrow)).total == 0
        assert any(entry.sold_on for entry in read(SearchPage, api.get(f"{BROWSE}?LH_Sold=1")).entries)
    with serve("ignored-filter", "no-date") as api:
        assert read(SearchPage, api.get(narrow)).total == 6
        sold = read(SearchPage, api.get(f"{BROWSE}?LH_Sold=1")).entries
        assert len(sold) == 4
        assert not any(entry.sold_on for entry in sold)


def test_robots_may_visit_what_the_rules_say(serve: Serve) -> None:
    allowed = {}
    for rules in ("ebay", "none", "all"):
        with serve(f"robots:rules={rules}") as api:
            robots = Protego.parse(api.get("/robots.txt").text)
            paths = (
                "/itm/1",
                "/itm/1?fits=x",
                "/b/Cars-Trucks/6001/bn_1",
                "/b/Cars-Trucks/6001/bn_1?LH_Sold=1",
                "/sch/i.html",
            )
            allowed[rules] = [robots.can_fetch(path, "autodetect") for path in paths]
            assert counts(api) == ({"token": 1, "robots": 1, "status": 1}, {"robots": 1})
    assert allowed == {"ebay": [True, False, True, False, False], "none": [False] * 5, "all": [True] * 5}


def test_filters_by_aspect_and_price_may_be_ignored_without_a_word(serve: Serve) -> None:
    narrow = {
        "aspect_filter": "categoryId:6001,Make:{Ford},Year:{2013}",
        "filter": "buyingOptions:{FIXED_PRICE|AUCTION},price:[1..2],priceCurrency:USD",
    }
    with serve("ignored-filter") as api:
        page = api.get(SEARCH, params={"category_ids": "6001", **narrow}).json()
        assert "warnings" not in page
        assert page["total"] == 6
        assert api.get(SEARCH).json()["total"] == 5
        assert api.get(SEARCH, params={"category_ids": "6001", "q": "ford 2013"}).json()["total"] == 1


def test_sales_may_come_without_their_date(serve: Serve) -> None:
    with serve("no-date") as api:
        sales = api.get(SALES).json()["itemSales"]
    assert len(sales) == 4
    assert all("lastSoldDate" not in sale and "lastSoldPrice" in sale for sale in sales if sale["itemId"] != "v1|12|0")


def test_faults_combine_and_the_first_that_is_named_answers(serve: Serve) -> None:
    with serve("errors:times=2", "markup:on=api", "rate", "quota:calls=4") as api:
        assert statuses(api, *[SEARCH] * 4) == [503, 503, 429, 200]
        assert api.get(ITEM.format(1)).status_code == 503
        assert statuses(api, ITEM.format(1), ITEM.format(1), ITEM.format(1)) == [503, 429, 429]
        assert counts(api)[1] == {"errors": 4, "rate": 2, "markup": 4, "quota": 1}


def test_a_wrong_fault_is_told_to_whoever_starts_the_sandbox(tiny: Path) -> None:
    with (
        pytest.raises(UsageError, match="there is no fault 'sloth'") as refusal,
        sandbox_process(tiny, 1, options=("--fault", "sloth")),
    ):
        pytest.fail("it started")
    assert "captcha" in refusal.value.remedy


@pytest.mark.parametrize(
    "program", [("-m", "crawlers.sandbox"), ("-c", "from flows.cli import main; main()", "sandbox", "serve")]
)
def test_help_explains_each_fault(program: tuple[str, ...]) -> None:
    help_text = subprocess.run(
        [sys.executable, *program, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name, kind in KINDS.items():
        assert f"{name}: {kind.says[:30]}" in help_text
