"""What eBay's pages have in common: the text that a reader sees, and the error for a page nobody knows."""

import re

from parsel import Selector, SelectorList
from web_poet import HttpResponse

from autodetect.errors import AutoDetectError

# Spacing that no reader sees; eBay strews it between the letters of 'Sponsored'.
_INVISIBLE = re.compile("[\u00ad\u200b\u2060-\u2064\ufeff]")
_HIDDEN = "ancestor-or-self::script or ancestor-or-self::style or ancestor-or-self::template"
_CLIPPED = "ancestor::*[contains(concat(' ', normalize-space(@class), ' '), ' clipped ')]"
_SEEN = f".//text()[not({_HIDDEN} or {_CLIPPED})]"


class UnknownMarkupError(AutoDetectError):
    """A page shows nothing that this program knows how to read: the markup has drifted, or it is another page."""


def html_of(response: HttpResponse) -> Selector:
    """Return a page's markup, read as HTML whatever was served: an answer in JSON is a page without markup."""
    return Selector(response.text, type="html")


def seen_text(part: Selector | SelectorList[Selector], *, without: str = "") -> str:
    """Return the text that a reader sees, blanks collapsed: no scripts, nothing clipped for screen readers only.

    Args:
        part: an element, or several that are read one after the other.
        without: class names, separated by blanks; what is inside elements of such a class is left out.
    """
    condition = "".join(f"[not({_inside(name)})]" for name in without.split())
    return collapse("".join(part.xpath(_SEEN + condition).getall()))


def collapse(text: str) -> str:
    """Return a text with single blanks, none at its ends, and without invisible characters."""
    return " ".join(_INVISIBLE.sub("", text).split())


def _inside(name: str) -> str:
    return f"ancestor::*[contains(concat(' ', normalize-space(@class), ' '), ' {name} ')]"
