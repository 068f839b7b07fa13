"""What must be set before a real host is touched."""

from urllib.parse import urlsplit

from autodetect.errors import UsageError
from autodetect.settings import LOOPBACK_HOSTS, Settings


def require_permission(settings: Settings) -> None:
    """Refuse to touch a real host without the permission, key and contact that make it allowed (`UsageError`)."""
    host = urlsplit(settings.ebay.base_url).hostname
    if host in LOOPBACK_HOSTS:
        return
    needs = {
        "ebay.permission": settings.ebay.permission,
        "ebay.client_id": settings.ebay.client_id,
        "ebay.client_secret": settings.ebay.client_secret,
        "crawl.contact": settings.crawl.contact,
    }
    missing = [name for name, value in needs.items() if not value]
    if missing:
        raise UsageError(
            f"crawling {host} needs {', '.join(missing)}: eBay's terms restrict automated access, storage and model "
            "training without its permission",
            "use the sandbox (--source sandbox), or ask eBay, then name the permission in ebay.permission",
        )
