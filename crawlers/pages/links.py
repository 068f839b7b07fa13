"""Addresses on eBay's pages: the item id in a link, the link without its tracking, a photo at its full size."""

import re
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

_ITEM = re.compile(r"/itm/(?:[^/?#]+/)?(\d+)(?=[/?#]|$)", re.ASCII)
# Of 's-l140.jpg', 's-l500.webp' and thumbs alike; the older '00/s/<size>/z/<id>/$_57.JPG' names the same photo.
_PHOTO = re.compile(r"/(?:thumbs/)?images/(?P<kind>[a-z])/(?P<id>[^/]+)/s-l\d+\.\w+$", re.ASCII)
_OLDER_PHOTO = re.compile(r"/00/s/[^/]+/z/(?P<id>[^/]+)/\$_\d+\.\w+$", re.ASCII)
# Shapes, logos and the grey box that stands in until a photo is loaded.
_DECORATION = re.compile(r"ebaystatic\.com$", re.ASCII)


def item_id_of(url: str) -> str:
    """Return the item id in a link to an item page, '' where there is none."""
    match = _ITEM.search(url)
    return match[1] if match else ""


def item_url(page_url: str, link: str, item_id: str) -> str:
    """Return an item page's address without tracking: of the host that the link names, or the page's own.

    Args:
        page_url: the address of the page that has the link.
        link: absolute or relative; '' for an item page's own address.
        item_id: the bare number.
    """
    parts = _split(_join(page_url, link))
    return f"{parts[0]}://{parts[1]}/itm/{item_id}" if parts[1] else f"/itm/{item_id}"


def photo_url(page_url: str, source: str) -> str:
    """Return the address of the full-size photo that any of its sizes stands for; '' for what is no photo."""
    if not source or source.startswith("data:"):
        return ""
    url = _join(page_url, source)
    scheme, host, path = _split(url)
    if scheme not in {"http", "https"} or _DECORATION.search(host):
        return ""
    if match := _PHOTO.search(path):
        return f"{scheme}://{host}/images/{match['kind']}/{match['id']}/s-l1600.jpg"
    if match := _OLDER_PHOTO.search(path):
        return f"{scheme}://{host}/images/g/{match['id']}/s-l1600.jpg"
    return url


def photo_urls(page_url: str, sources: Iterable[str]) -> tuple[str, ...]:
    """Return the full-size addresses of photos, each once, in the order of the page."""
    return tuple(dict.fromkeys(url for source in sources if (url := photo_url(page_url, source.strip()))))


def host_of(url: str) -> str:
    """Return an address's host in lower case, '' where there is none."""
    return _split(url)[1].rpartition("@")[2].partition(":")[0].lower()


def _join(base: str, link: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:  # such as an unclosed bracket of an IPv6 host
        return ""


def _split(url: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", "", ""
    return parts.scheme, parts.netloc, parts.path
