"""One token for all requests, renewed in time, shown to nobody else; a key that is refused ends the crawl."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.middlewares.oauth import error_of, origin, read_token
from tests.crawlers.middlewares.asking import Crawled, crawl
from tests.crawlers.middlewares.serving import Answer, Asked, Site, serving
from tests.servers.s3_server import free_ports

TOKEN_PATH, SECRET = "/token", "hunter2-hunter2"
BASE, WIDE = "https://scope.example/base", "https://scope.example/base/wide"


def granted(number: int, lifetime_s: float = 7200) -> Answer:
    return Answer(body=json.dumps({"access_token": f"tok#{number}", "expires_in": lifetime_s}).encode())


def refused(status: int, error: str) -> Answer:
    return Answer(status, json.dumps({"error": error, "error_description": f"not {SECRET}"}).encode())


class Desk:
    """Answers of a token server: `grant` is told which mint this is, `api` answers the rest."""

    def __init__(self, grant: Callable[[int, Asked], Answer], api: Callable[[Asked], Answer] | None = None) -> None:
        self.mints: list[Asked] = []
        self._grant = grant
        self._api = api or (lambda _: Answer())

    def __call__(self, asked: Asked) -> Answer:
        if asked.path != TOKEN_PATH:
            return self._api(asked)
        self.mints.append(asked)
        return self._grant(len(self.mints), asked)

    @property
    def scopes(self) -> list[list[str]]:
        return [parse_qs(mint.body)["scope"][0].split() for mint in self.mints]


def ask(site: Site, paths: list[str], *others: str, **settings: Any) -> Crawled:
    requests = [{"url": site.url + path, "meta": {"oauth": True}} for path in paths]
    oauth = {
        "AUTODETECT_OAUTH_URL": site.url + TOKEN_PATH,
        "AUTODETECT_OAUTH_CLIENT_ID": "client-7",
        "AUTODETECT_OAUTH_CLIENT_SECRET": SECRET,
        "AUTODETECT_OAUTH_SCOPES": [BASE, WIDE],
    }
    return crawl(requests, site.host, *others, **(oauth | settings))


def test_many_requests_share_one_token_and_nothing_secret_is_told() -> None:
    desk = Desk(lambda number, _: granted(number))
    with serving(desk) as site:
        found = ask(site, [f"/{n}" for n in range(12)])
        found_without = crawl([site.url + "/free"], site.host)
    assert found.statuses == [200] * 12
    assert [asked.headers.get("Authorization") for asked in site.asked[1:13]] == ["Bearer tok#1"] * 12
    (mint,) = desk.mints
    assert mint.method == "POST"
    assert mint.headers["Authorization"] == "Basic " + base64.b64encode(f"client-7:{SECRET}".encode()).decode()
    assert parse_qs(mint.body) == {"grant_type": ["client_credentials"], "scope": [f"{BASE} {WIDE}"]}
    assert found.counted("oauth") == {"minted": 1}
    told = found.log + json.dumps(found.stats)
    assert not any(secret in told for secret in (SECRET, "tok#1", mint.headers["Authorization"].split()[1]))
    assert "Authorization" not in site.asked[-1].headers
    assert found_without.counted("oauth") == {}


def test_a_token_that_ended_early_is_renewed_once_for_all_who_were_refused() -> None:
    valid = "Bearer tok#2"
    desk = Desk(
        lambda number, _: granted(number),
        lambda asked: Answer() if asked.headers["Authorization"] == valid else Answer(401),
    )
    with serving(desk) as site:
        found = ask(site, [f"/{n}" for n in range(8)])
    assert found.statuses == [200] * 8
    assert found.counted("oauth") == {"minted": 2, "renewed_after_401": 8}
    assert len(site.asked) == 2 + 16


def test_a_second_refusal_goes_to_the_spider_and_tokens_are_not_wasted_on_it() -> None:
    desk = Desk(lambda number, _: granted(number), lambda _: Answer(401))
    with serving(desk) as site:
        found = ask(site, [f"/{n}" for n in range(8)], CONCURRENT_REQUESTS=1)
    assert found.statuses == [401] * 8
    assert len(site.asked) - len(desk.mints) == 8 + 3
    assert len(desk.mints) == 4
    assert not found.stopped


def test_a_scope_that_the_key_lacks_is_asked_for_only_once() -> None:
    def grant(number: int, asked: Asked) -> Answer:
        return refused(400, "invalid_scope") if WIDE in parse_qs(asked.body)["scope"][0].split() else granted(number)

    desk = Desk(grant, lambda asked: Answer(401) if asked.headers["Authorization"] == "Bearer tok#2" else Answer())
    with serving(desk) as site:
        found = ask(site, ["/a", "/b"], CONCURRENT_REQUESTS=1)
    assert found.statuses == [200, 200]
    assert desk.scopes == [[BASE, WIDE], [BASE], [BASE]]
    assert found.counted("oauth") == {"scope_refused": 1, "minted": 2, "renewed_after_401": 1}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refused(401, "invalid_client"), "HTTP 401 invalid_client"),
        (refused(400, "unauthorized_client"), "HTTP 400 unauthorized_client"),
        (refused(400, "invalid_scope"), "HTTP 400 invalid_scope"),
        (Answer(302, b"", {"Location": "/login"}), "HTTP 302"),
        (Answer(200, b"<html>hello</html>"), "HTTP 200"),
    ],
    ids=["client", "grant", "base scope", "redirect", "no token"],
)
def test_a_refused_key_ends_the_crawl_before_anything_is_asked(answer: Answer, words: str) -> None:
    with serving(Desk(lambda *_: answer)) as site:
        found = ask(site, [f"/{n}" for n in range(3)])
    assert set(site.paths()) == {TOKEN_PATH}
    assert len(site.asked) <= 2  # all scopes, then the base scope
    assert found.stopped["cause"] == "token_refused"
    assert words in found.stopped["words"]
    assert found.stopped["url"] == site.url + TOKEN_PATH
    assert {outcome["error"] for outcome in found.outcomes} == {"StoppedError"}
    assert SECRET not in found.log + json.dumps(found.stats)


def test_a_token_server_that_stumbles_is_asked_again_as_patiently_as_any_other() -> None:
    stumbles = [Answer(500), Answer(429, headers={"Retry-After": "0"}), Answer(503)]
    desk = Desk(lambda number, _: [*stumbles, granted(number)][number - 1])
    with serving(desk) as site:
        found = ask(site, ["/a", "/b"], RETRY_TIMES=3)
        assert found.statuses == [200, 200]
        desk.mints.clear()
        down = ask(site, ["/a", "/b"], RETRY_TIMES=2)
    assert len(desk.mints) == 3
    assert (down.stopped["cause"], down.counted("oauth")) == ("server_down", {"down": 1})
    assert "503" in down.stopped["words"]


def test_a_token_server_that_is_not_there_ends_the_crawl() -> None:
    found = ask(Site(f"127.0.0.1:{free_ports(1)[0]}"), ["/a", "/b"], RETRY_TIMES=1)
    assert (found.stopped["cause"], found.stats["retry/count"]) == ("server_down", 1)
    assert "DownloadConnectionRefusedError" in found.stopped["words"]


def test_a_token_is_renewed_before_it_ends() -> None:
    desk = Desk(lambda number, _: granted(number, lifetime_s=1))
    with serving(desk) as site:
        found = ask(site, ["/a", "/b"], CONCURRENT_REQUESTS=1, DOWNLOAD_DELAY=0.6)
    assert found.counted("oauth") == {"minted": 2}
    used = [asked.headers["Authorization"] for asked in site.asked if asked.path != TOKEN_PATH]
    assert used == ["Bearer tok#1", "Bearer tok#2"]


def test_a_redirect_to_another_place_travels_without_the_token() -> None:
    desk = Desk(lambda number, _: granted(number))
    with serving(lambda _: Answer(401)) as other:
        desk._api = lambda asked: (
            Answer(302, headers={"Location": f"{other.url}/x" if asked.path == "/out" else "/in"})
            if asked.path in {"/out", "/round"}
            else Answer()
        )
        with serving(desk) as site:
            found = ask(site, ["/out", "/round"], other.host)
    assert [asked.headers.get("Authorization") for asked in other.asked] == [None]
    assert [asked.headers["Authorization"] for asked in site.asked if asked.path == "/in"] == ["Bearer tok#1"]
    assert sorted(found.statuses, key=str) == [200, 401]
    assert found.counted("oauth") == {"minted": 1, "withheld": 1}


def grant_of(**fields: Any) -> bytes:
    return json.dumps({"access_token": "t", "expires_in": 7200} | fields).encode()


@pytest.mark.parametrize(
    ("lifetime", "renewed_after"),
    [(7200, 7140), (121, 61), (120, 60), (60, 30), (2, 1), (None, 240), ("7200", 240), (0, 240), (-5, 240),
     (float("nan"), 240), (10**400, 86_340)],
)  # fmt: skip
def test_a_token_is_renewed_a_minute_before_its_end(lifetime: Any, renewed_after: float) -> None:
    token = read_token(grant_of(expires_in=lifetime), 1000.0)
    assert token is not None
    assert token.renew_at == 1000.0 + renewed_after


@given(st.integers(1, 10**6) | st.floats(1e-3, 1e9), st.floats(0, 1e9))
def test_a_token_is_always_used_before_it_is_renewed_and_never_after_its_end(lifetime: float, now: float) -> None:
    token = read_token(grant_of(expires_in=lifetime), now)
    assert token is not None
    assert now <= token.renew_at <= now + lifetime


@pytest.mark.parametrize("value", [None, "", 7, "a b", "a\r\nX-Evil: 1", "tök", ["t"]])
def test_a_token_that_no_header_can_carry_is_none(value: Any) -> None:
    assert read_token(grant_of(access_token=value), 0.0) is None


@given(st.binary(max_size=60) | st.recursive(st.none() | st.text(), st.lists).map(lambda x: json.dumps(x).encode()))
def test_any_answer_can_be_read(body: bytes) -> None:
    assert read_token(body, 0.0) is None
    assert error_of(body) == ""


def test_an_answer_nested_without_end_is_no_token() -> None:
    assert read_token(b"[" * 1_000_000, 0.0) is None


def test_an_error_is_named_only_by_a_plain_name() -> None:
    assert error_of(b'{"error": "invalid_client"}') == "invalid_client"
    assert [error_of(json.dumps({"error": error}).encode()) for error in (f"no {SECRET}", "A", 7, "")] == [""] * 4


def test_a_token_does_not_show_itself() -> None:
    assert "tok" not in repr(read_token(grant_of(access_token="tok#1"), 0.0)).removeprefix("Token")


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin("https://a.example/x") == origin("https://A.example:443/y?z") == ("https", "a.example", 443)
    assert len({origin(f"{place}/x") for place in ("http://a", "https://a", "https://b", "https://a:444")}) == 4
