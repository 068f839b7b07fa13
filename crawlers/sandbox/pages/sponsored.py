"""The word 'Sponsored' as eBay spells it: letters among decoys, which only the style sheet tells apart."""

import random
from functools import lru_cache

LETTER, DECOY, BLANK = "s-7k2mq0x", "s-d81vnr4", "s-w05jt3c"  # templates/style.css.j2 shows the first and no other
SIGNS = 28
VARIANTS = 16
_LOOKALIKES = {"o": "\u043e", "p": "\u0440", "e": "\u0435"}  # Cyrillic letters


@lru_cache(maxsize=VARIANTS)
def sponsored(variant: int) -> str:
    """One of `VARIANTS` spellings, as HTML: each sign in a span of its own, followed by an invisible separator."""
    rng = random.Random(f"sponsored/{variant}")
    letters = [_LOOKALIKES.get(letter, letter) if rng.random() < 0.2 else letter for letter in "Sponsored"]
    places = sorted(rng.sample(range(SIGNS), len(letters)))
    signs = [_decoy(rng) for _ in range(SIGNS)]
    for place, letter in zip(places, letters, strict=True):
        signs[place] = (LETTER, letter)
    spans = "".join(f"<span class={style}>{sign}&#8291;</span>" for style, sign in signs)
    outer = f'<span aria-labelledby="{LETTER} {BLANK}" role=heading aria-level=6>'
    return f"{outer}<span aria-hidden=true>{spans}</span></span>"


def _decoy(rng: random.Random) -> tuple[str, str]:
    if rng.random() < 0.15:
        return BLANK, "\t"
    return DECOY, rng.choice(("", "", *"SDX0491KRGV"))
