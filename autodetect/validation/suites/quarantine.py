"""The suite of `quarantine`: every refusal names what was refused, where, and by which rule."""

import pyarrow as pa

from autodetect.lake.schemas import QUARANTINE
from autodetect.validation.frames import frame_of
from autodetect.validation.rule import Judged, Suite, matches, one_of, unique

EFFECTS = ("refused", "nulled", "noted")
RULE = r"^[a-z_0-9]+(?:\.[a-z_0-9]+)+$"


def quarantine(rows: pa.Table) -> Judged:
    """Return the suite and its frame: tonight's refusals, those that the crawl kept among them."""
    rules = (
        unique("quarantine.keys_repeat", QUARANTINE.key),
        matches("quarantine.table_empty", "held", "table", r"\S"),
        matches("quarantine.key_empty", "warned", "key", r"\S"),
        matches("quarantine.rule_malformed", "warned", "rule", RULE),
        one_of("quarantine.effect_unknown", "held", "effect", EFFECTS),
    )
    return Suite("quarantine", QUARANTINE.key, rules), frame_of(rows, [*QUARANTINE.key, "effect"])
