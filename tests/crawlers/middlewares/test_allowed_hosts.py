"""No request leaves for a place that was not named, however the address is written."""

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scrapy.http import Request
from twisted.web.client import URI

from autodetect.errors import UsageError
from crawlers.middlewares.allowed_hosts import AllowedHost, why_refused
from tests.crawlers.middlewares.asking import crawl
from tests.crawlers.middlewares.serving import Answer, serving

LIST = [AllowedHost.read(entry) for entry in ("i.ebayimg.com", "127.0.0.1:8000", "[::1]:9", ".ebay.com", "x.test:81")]
PLACES = {("i.ebayimg.com", 443), ("127.0.0.1", 8000), ("::1", 9), ("x.test", 81)}


@pytest.mark.parametrize(
    "url",
    [
        "https://i.ebayimg.com/images/g/x/s-l1600.jpg",
        "HTTPS://I.EBAYIMG.COM/x",
        "https://i.ebayimg.com:443/x",
        "https://i.ebayimg.com",
        "https://i.ebayimg.com?x=//evil.test@",
        "http://127.0.0.1:8000/x",
        "http://[::1]:9/x",
        "https://ebay.com/",
        "https://www.ebay.com/itm/1",
        "https://a.b.ebay.com/",
        "https://x.test:81/",
    ],
)
def test_what_was_named_may_be_asked(url: str) -> None:
    assert why_refused(url, LIST) == ""


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://i.ebayimg.com/x", "not_https"),
        ("http://www.ebay.com/", "not_https"),
        ("http://x.test:81/", "not_https"),
        ("https://i.ebayimg.com:8443/x", "port"),
        ("https://i.ebayimg.com:80/x", "port"),
        ("https://x.test/", "port"),
        ("http://127.0.0.1/x", "port"),
        ("http://127.0.0.1:22/x", "port"),
        ("https://evil.test/i.ebayimg.com", "host"),
        ("https://i.ebayimg.com.evil.test/", "host"),
        ("https://evil-i.ebayimg.com/", "host"),
        ("https://notebay.com/", "host"),
        ("https://10.0.0.1/", "host"),
        ("https://169.254.169.254/latest/meta-data/", "host"),
        ("http://localhost/x", "host"),
        ("http://127.1:8000/", "host"),
        ("http://2130706433:8000/", "host"),
        ("http://0x7f000001:8000/", "host"),
        ("https://xn--ebay-5na.com/", "host"),
        ("https://user@i.ebayimg.com/", "user_info"),
        ("https://i.ebayimg.com@evil.test/", "user_info"),
        ("https://i.ebayimg.com:443@evil.test/", "user_info"),
        ("https://evil.test\\@i.ebayimg.com/", "user_info"),
        ("https://i.ebayimg.com\\.evil.test/", "unreadable"),
        ("https://i.ebayimg.com%2eevil.test/", "unreadable"),
        ("https://i.ebayimg.com./x", "unreadable"),
        ("https://i.ebayimg.com.:443/x", "unreadable"),
        ("https://.ebay.com/", "unreadable"),
        ("https://a..ebay.com/", "unreadable"),
        ("https://i.ebayimg.com:/x", "unreadable"),
        ("https://i.ebayimg.com:0443/x", "unreadable"),
        ("https://i.ebayimg.com:443443/x", "unreadable"),
        ("https://i.ebayimg.com:-1/x", "unreadable"),
        ("https://i.ebayimg。com/x", "unreadable"),
        ("https://\uff49.ebayimg.com/x", "unreadable"),
        ("https://www.ebay.\u212aom/", "unreadable"),
        ("https://i.ebayimg.com/x\r\nHost: evil.test", "unreadable"),
        ("https://i.ebayimg.com /x", "unreadable"),
        ("https://[::1%25eth0]:9/x", "unreadable"),
        ("https:///i.ebayimg.com/x", "unreadable"),
        ("ftp://i.ebayimg.com/x", "not_http"),
        ("file:///etc/passwd", "not_http"),
        ("data:image/png;base64,AAAA", "not_http"),
        ("javascript:alert(1)", "not_http"),
        ("//i.ebayimg.com/x", "not_http"),
        ("https:/i.ebayimg.com/x", "not_http"),
        ("https:i.ebayimg.com/x", "not_http"),
        (" https://i.ebayimg.com/x", "not_http"),
        ("s3://i.ebayimg.com/x", "not_http"),
        ("", "not_http"),
    ],
)
def test_what_was_not_named_is_refused_by_its_reason(url: str, reason: str) -> None:
    assert why_refused(url, LIST) == reason


def test_an_empty_list_admits_nothing() -> None:
    assert why_refused("https://i.ebayimg.com/", []) == "host"


@pytest.mark.parametrize("entry", ["", ".", "https://i.ebayimg.com", "a b", "a:b", "a/b", "ä.example", "a.", "*.a"])
def test_an_entry_that_is_no_host_is_told(entry: str) -> None:
    with pytest.raises(UsageError, match="AUTODETECT_ALLOWED_HOSTS"):
        AllowedHost.read(entry)


HOSTS = ["i.ebayimg.com", "www.ebay.com", "ebay.com", "evil.test", "127.0.0.1", "localhost", "[::1]", "x.test", "127.1"]
TRICKS = [
    *("", ".", "..", "@", ":", "\\", "%2e", "%00", "\t", "\n", "#", "?", "/", "//", ":80", ":443", ":9", ":8000"),
    *("\u3002", "\u00ad", "\u200b", "\uff0f", "\u2100", "user:pw@", "[", "]", ";", "&", "%40", "%2f", "\x00", " "),
]
PIECES = st.sampled_from(HOSTS) | st.sampled_from(TRICKS) | st.text(max_size=3)
SCHEMES = st.sampled_from(["https://", "http://", "HTTPS://", "https:/", "https:", "//", "https:\\\\", "ftp://"])


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """An address that leans towards the hosts of the list and towards what parsers disagree about."""
    return draw(SCHEMES) + "".join(draw(st.lists(PIECES, max_size=5))) + draw(st.sampled_from(["", "/x", "?q", "#f"]))


@settings(deadline=None, max_examples=1500)
@given(addresses())
@example("https://i.ebayimg.com\\@evil.test/")
@example("https://evil.test\t@i.ebayimg.com/")
@example("https://i.ebayimg.com\uff0f.evil.test/")
def test_every_reader_of_an_address_that_may_be_asked_finds_a_place_that_was_named(url: str) -> None:
    try:
        request = Request(url)
    except ValueError:
        return
    for spelt in (url, request.url):
        if why_refused(spelt, LIST):
            continue
        scrapy_parts, downloader = urlsplit(spelt), URI.fromBytes(spelt.encode())
        port = scrapy_parts.port or {"http": 80, "https": 443}[scrapy_parts.scheme]
        assert scrapy_parts.username is None
        host = scrapy_parts.hostname or ""
        assert (host, port) in PLACES or (port == 443 and (host == "ebay.com" or host.endswith(".ebay.com")))
        assert (downloader.host.decode().lower().strip("[]"), downloader.port) == (host, port)
        assert scrapy_parts.scheme == "https" or host in {"127.0.0.1", "::1"}


@given(st.sampled_from(["i.ebayimg.com", "www.ebay.com"]), st.text(max_size=30))
def test_a_named_place_may_be_asked_for_whatever_lies_there(host: str, path: str) -> None:
    request = Request(f"https://{host}/{path}")
    assert why_refused(request.url, LIST) == ""


def test_neither_a_link_nor_a_redirect_leads_out() -> None:
    with serving(lambda _: Answer()) as outside:
        targets = {
            "/away": f"{outside.url}/landed",
            "/name": outside.url.replace("127.0.0.1", "localhost"),
            "/user": outside.url.replace("127", "user:pw@127"),
        }
        with serving(lambda asked: Answer(302, b"", {"Location": targets.get(asked.path, "/free")})) as site:
            urls = [site.url + path for path in targets]
            links = [f"{outside.url}/link", "data:image/png;base64,AAAA", "file:///etc/passwd", "ftp://127.0.0.1/x"]
            # robots.txt of a host that may not be asked is not asked for either.
            found = crawl([*urls, *links], site.host, ROBOTSTXT_OBEY=True)
    assert outside.asked == []
    assert sorted(set(site.paths())) == ["/away", "/free", "/name", "/robots.txt", "/user"]
    assert {outcome["error"] for outcome in found.outcomes} == {"RefusedHostError"}
    assert len(found.outcomes) == 7
    assert found.counted("allowed_hosts") == {"port": 2, "host": 1, "user_info": 1, "not_http": 3}


def test_a_redirect_within_what_was_named_is_followed() -> None:
    with serving(lambda asked: Answer(302, b"", {"Location": "/b"}) if asked.path == "/a" else Answer()) as site:
        found = crawl([f"{site.url}/a"], site.host)
    assert (site.paths(), found.statuses) == (["/a", "/b"], [200])
