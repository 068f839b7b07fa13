"""What the gate allows by default, and what it is told of the exported model."""

from autodetect.records import Record
from autodetect.sections import GateSettings

DEFAULT_LIMITS = GateSettings()


class ExportParity(Record):
    """Whether the exported model answers as the trained one does, with the comparison in words."""

    agrees: bool
    words: str
