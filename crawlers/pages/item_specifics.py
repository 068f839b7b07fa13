"""The table 'Item specifics' of an item page: label -> value."""

import re

from parsel import Selector

from crawlers.pages.markup import seen_text

_SECTIONS = (
    ".x-about-this-item, [data-testid=x-about-this-item], #viTabs_0_is, .x-item-specifics,"
    " .ux-layout-section--features, .ux-layout-section-evo--features"
)
_PAIRS = ".ux-labels-values, dl"
_LABEL = ".ux-labels-values__labels, dt"
_VALUE = ".ux-labels-values__values, dd"
# A long value is shown cut off, with the whole of it in a hidden copy.
_WHOLE = ".ux-expandable-textual-display-block-inline.hide, [data-testid=ux-expandable-textual-display-block-inline]"
_DEBRIS = re.compile(
    r"\s*(?:see all condition definitions|read more|read less|mehr lesen|weitere informationen|"
    r"alle zustandsdefinitionen (?:aufrufen|ansehen))"
    r"(?:\s*(?:about the .{1,40}|[-\u2013]?\s*opens in a new window or tab))?\.?\s*$",
    re.IGNORECASE,
)
_CONTROLS = "ux-action fake-link ux-expandable-textual-display-block-inline__control"


def read_specifics(page: Selector) -> dict[str, str]:
    """Return all item specifics of an item page by the page's names, in its order; of a repeated name, the first."""
    found: dict[str, str] = {}
    for pair in page.css(_SECTIONS).css(_PAIRS):
        label = seen_text(pair.css(_LABEL)[:1]).rstrip(":").strip()
        value = _value(pair)
        if label and value:
            found.setdefault(label, value)
    return found


def _value(pair: Selector) -> str:
    shown = pair.css(_WHOLE)[:1] or pair.css(_VALUE)[:1]
    # A value may itself be a link; only where there is other text, links are invitations to read more.
    text = seen_text(shown, without=_CONTROLS) or seen_text(shown)
    return _DEBRIS.sub("", text).strip()
