"""Listings that ask for something else than a car: a deposit on it, its parts, or a car with a salvage title.

What a listing says is read from its title, its condition and the status of its title, in words, not letters: 'new parts
installed' sells no parts, 'clean title, not salvage' is no salvage. Titles are looked through once for a few stems;
only those that have one are read word by word.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.prices.table.columns import Bools, mask

# What no title lacks that one of the patterns below is found in. RE2 syntax, as Arrow's kernels take it.
_STEMS = (
    "(?i)deposit|anzahlung|payment|lease|month|/ ?mo"
    "|parts|part[^a-z]*(?:out|it|car|truck|van|suv|vehicle|donor)|parting|donor|shell|teil|schlacht"
    "|salvag|rebuil|reconstr|repairable|branded|flood|junk|scrap|lemon|total"
)


class _Phrase(NamedTuple):
    """A pattern of words, and phrases that hold such words and mean something else: they are struck out first."""

    says: str
    unless: str


_DEPOSIT = _Phrase(
    r"\b(?:deposits?|anzahlung|down ?payments?|lease (?:take ?over|transfer|assumption|swap)"
    r"|(?:take|taking) over (?:the |my )?(?:lease|payments?)|assume (?:the |my )?(?:lease|payments?)"
    r"|(?:per|a) month|monthly)\b",
    r"\b(?:no|zero|0|without)(?: a| any| security)? (?:deposits?|down ?payments?|anzahlung|monthly)\b",
)
_PARTS = _Phrase(
    r"\b(?:parts only|for parts|parts? (?:car|truck|van|suv|vehicle|donor)|part(?:s|ing)?(?: it)? out|partout"
    r"|donor (?:car|truck|vehicle)|shell only|ersatzteiltr(?:ä|ae)ger|teiletr(?:ä|ae)ger|schlachtfest)\b",
    r"\b(?:(?:not|no|never|isn t)(?: a| just)? (?:parts only|for parts|part(?:s|ing)? out"
    r"|(?:parts?|donor) (?:car|truck|van|suv|vehicle|donor))"
    r"|(?:with|w|plus|and|includes?|including|extra|spare|free|has)"
    r"(?: (?:a|an|1|one|complete|extra|spare|free|second))* (?:parts?|donor) (?:car|truck|van|suv|vehicle|donor)"
    r"|(?:oem|genuine|original|factory|new|nos|quality|best)(?: \w+)? parts only"
    r"|(?:receipts?|invoices?|paid|spent) for parts)\b",
)
_BRAND = r"(?:salvaged?|rebuilt|rebuildable|repairable|reconstructed|branded|flood(?:ed)?|junk|lemon|total(?:l)?ed)"
_HARM = rf"(?:{_BRAND}|damaged?|accidents?|wrecks?|wrecked|rust|issues)"
_SALVAGE = _Phrase(
    r"\b(?:salvaged?|rebuildable|(?:repairable|rebuilt|reconstructed|branded|flood|junk|scrap|lemon) title"
    r"|title (?:is )?(?:rebuilt|reconstructed|branded|flood|junk|lemon)|flood (?:damaged?|car|vehicle)"
    r"|total(?:l)?ed|total loss)\b",
    r"\b(?:no|not|non|never|isn t|wasn t|without|zero|0)(?: (?:a|an|any|been|had|has|have|ever|prior|previously|on))*"
    rf" {_HARM}(?: (?:(?:or|nor|and|no|not|never|any) )*{_HARM})*(?: titles?| titled| history)*\b",
)
# The conditions and title statuses of a source are few: 'For parts or not working', 'Rebuilt, Rebuildable & ...'.
_PARTS_STATED = _Phrase(r"\b(?:for parts|parts only|not working|ersatzteil|defekt)\b", r"\bnot for parts\b")
_SALVAGE_STATED = _Phrase(
    rf"\b(?:{_BRAND}|scrap|flood|water damage|buy ?back|total loss|non ?repairable|dismantled|theft)\b",
    _SALVAGE.unless,
)


class Titles(NamedTuple):
    """What titles say, row by row."""

    deposit: Bools
    parts: Bools
    salvage: Bools


def read_titles(titles: pa.Array) -> Titles:
    """Return which titles speak of a deposit (or a lease, or rates), of parts only, or of salvage.

    Args:
        titles: text as sellers wrote it; null says nothing.
    """
    at = np.flatnonzero(mask(pc.match_substring_regex(titles, _STEMS)))
    words = _words(titles.take(pa.array(at)))
    found = []
    for phrase in (_DEPOSIT, _PARTS, _SALVAGE):
        says = np.zeros(len(titles), dtype=np.bool_)
        says[at] = _says(words, phrase)
        found.append(says)
    return Titles(*found)


def states_parts(texts: pa.Array) -> Bools:
    """Return which conditions, or title statuses, are those of a car for parts."""
    return _says(_words(texts), _PARTS_STATED)


def states_salvage(texts: pa.Array) -> Bools:
    """Return which title statuses are not clean: salvage, rebuilt, junk, flood, bought back."""
    return _says(_words(texts), _SALVAGE_STATED)


def bid_only(buying_options: pa.Array) -> Bools:
    """Return what can be bought by bidding alone: its price is a bid, not what the seller asks."""
    auction = mask(pc.match_substring(buying_options, "AUCTION"))
    return auction & ~mask(pc.match_substring(buying_options, "FIXED_PRICE"))


def _words(texts: pa.Array) -> pa.Array:
    """Return texts as lower-case words with single spaces between them; '+' and '&' are 'and', '/mo' is 'per month'."""
    words = pc.replace_substring_regex(pc.utf8_lower(texts), r"/ ?mo(?:nth)?\b", " per month")
    for sign in "+&":
        words = pc.replace_substring(words, sign, " and ")
    return pc.replace_substring_regex(pc.replace_substring_regex(words, r"[^\p{L}\p{N} ]", " "), " {2,}", " ")


def _says(words: pa.Array, phrase: _Phrase) -> Bools:
    """Return which words say it; the few that do are asked again without the phrases that mean something else."""
    says = mask(pc.match_substring_regex(words, phrase.says))
    at = np.flatnonzero(says)
    left = pc.replace_substring_regex(words.take(pa.array(at)), phrase.unless, " ")
    says[at] = mask(pc.match_substring_regex(left, phrase.says))
    return says
