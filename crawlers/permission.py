"""What must be set before a real host is touched."""

from urllib.parse import urlsplit

from autodetect.errors import UsageError
from autodetect.settings import LOOPBACK_HOSTS, Settings


def require_permission(settings: Settings) -> None:
    """Refuse to touch a real host without the permission, key and contact that make it allowed.

    A host is real unless it is this machine. Source `folder` touches none; the sandbox touches this machine's own
    server, and is judged like the eBay source it stands in for if it is pointed elsewhere.

    Raises:
        UsageError: naming the hosts, what is missing, why, and the ways on.
    """
    spider = _spider(settings)
    if not spider:
        return
    real = [url for url in _addresses(settings, spider) if _host(url) not in LOOPBACK_HOSTS]
    needs = {"ebay.permission": settings.ebay.permission, "crawl.contact": settings.crawl.contact}
    if spider == "api":
        needs |= {"ebay.client_id": settings.ebay.client_id, "ebay.client_secret": settings.ebay.client_secret}
    missing = [name for name, value in needs.items() if not value.strip()]
    if real and missing:
        places = " and ".join(dict.fromkeys(_host(url) or repr(url) for url in real))
        raise UsageError(
            f"crawling {places} needs {', '.join(missing)}: eBay's terms restrict automated access, storage and model "
            "training without its permission",
            "try the sandbox (--source sandbox); or bring your own photos and listings (autodetect import DIR, or "
            "--source folder); or ask eBay, name its permission in ebay.permission, and set the rest",
        )


def _spider(settings: Settings) -> str:
    """Return which of eBay's two faces the source reads, `api` or `pages`; empty if none."""
    if settings.source == "sandbox":
        return settings.sandbox.spider
    return {"ebay-api": "api", "ebay-pages": "pages"}.get(settings.source, "")


def _addresses(settings: Settings, spider: str) -> list[str]:
    ebay = settings.ebay
    front = ebay.base_url if spider == "api" else ebay.web_url
    return [front, *([ebay.photo_base_url] if ebay.photo_base_url else [])]


def _host(url: str) -> str:
    """Return the host name of a URL; empty, which is no name of this machine, where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
