"""Every answer of the sandbox against eBay's own description of its Browse API."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

SPEC = Path(__file__).parents[4] / "shared" / "ebay" / "buy_browse_v1_oas3.json"
pytestmark = pytest.mark.skipif(not SPEC.is_file(), reason="eBay's OpenAPI description is not beside this checkout")
PYTHON = {"string": str, "integer": int, "boolean": bool, "number": float, "array": list, "object": dict}


def complaints(value: Any, schema: dict[str, Any], schemas: dict[str, Any], where: str) -> list[str]:
    """What in `value` the description does not know, or knows as another type."""
    if "$ref" in schema:
        return complaints(value, schemas[schema["$ref"].rpartition("/")[2]], schemas, where)
    kind = schema.get("type", "object")
    if not isinstance(value, PYTHON[kind]) or (kind == "integer" and isinstance(value, bool)):
        return [f"{where}: {value!r} is not {kind}"]
    if kind == "array":
        return [
            line for i, item in enumerate(value) for line in complaints(item, schema["items"], schemas, f"{where}[{i}]")
        ]
    if kind != "object":
        return []
    known = schema.get("properties", {})
    found = [f"{where}.{name} is unknown" for name in value.keys() - known.keys()]
    return found + [
        line
        for name in value.keys() & known.keys()
        for line in complaints(value[name], known[name], schemas, f"{where}.{name}")
    ]


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    described = json.loads(SPEC.read_text())["components"]["schemas"]
    # The description at hand is v1.10; the field came with v1.20.2.
    described["ItemSummary"]["properties"].setdefault("itemOriginDate", {"type": "string"})
    return described


def check(value: Any, name: str, schemas: dict[str, Any]) -> None:
    assert complaints(value, schemas[name], schemas, name) == []


def test_the_check_finds_unknown_names_and_wrong_types(schemas: dict[str, Any]) -> None:
    wrong = {"total": "3", "pages": 1, "itemSummaries": [{"title": 5, "image": {"url": "x"}}]}
    assert sorted(complaints(wrong, schemas["SearchPagedCollection"], schemas, "page")) == [
        "page.itemSummaries[0].image.url is unknown",
        "page.itemSummaries[0].title: 5 is not string",
        "page.pages is unknown",
        "page.total: '3' is not integer",
    ]


@pytest.mark.parametrize("params", [{}, {"limit": "2", "offset": "2", "fieldgroups": "FULL", "sort": "beauty"}])
def test_a_search_page_is_a_search_paged_collection(
    api: httpx.Client, schemas: dict[str, Any], params: dict[str, str]
) -> None:
    page = api.get("/buy/browse/v1/item_summary/search", params={"category_ids": "6001"} | params).json()
    assert page["itemSummaries"]
    check(page, "SearchPagedCollection", schemas)


@pytest.mark.parametrize("number", [1, 2, 4, 5, 7])
def test_an_item_is_an_item(api: httpx.Client, schemas: dict[str, Any], number: int) -> None:
    item = api.get(f"/buy/browse/v1/item/v1%7C10000000000{number}%7C0").json()
    assert item["localizedAspects"]
    check(item, "Item", schemas)


def test_a_refusal_is_a_list_of_errors(api: httpx.Client, schemas: dict[str, Any]) -> None:
    body = api.get("/buy/browse/v1/item/unknown").json()
    assert list(body) == ["errors"]
    check(body["errors"][0], "Error", schemas)
