"""What the gate allows, beside the margin; and what it is told of the exported model."""

from pydantic import Field

from autodetect.records import Record


class GateLimits(Record):
    """The gate's thresholds. Points are accuracy points (10 points are a share of 0.1)."""

    class_drop_points: float = Field(10.0, ge=0, description="a class that drops by less never blocks")
    class_level: float = Field(0.05, gt=0, lt=1, description="chance that any class blocks equal models, all together")
    small_class: int = Field(10, ge=1, description="classes with fewer test vehicles are judged together")
    new_class_floor: float = Field(
        0.25, ge=0, le=1, description="top-3 recall that a new class must surely reach; 0: any new class is taken"
    )
    max_nll_rise: float = Field(0.05, ge=0, description="nats per vehicle that the likelihood may worsen by")
    max_size_bytes: int | None = Field(100_000_000, gt=0, description="largest model that a phone is asked to carry")


class ExportParity(Record):
    """Whether the exported model answers as the trained one does, with the comparison in words."""

    agrees: bool
    words: str


DEFAULT_LIMITS = GateLimits()
