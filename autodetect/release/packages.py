"""The Core ML packages of a release, as its manifest tells them: which there are, and what each is worth."""

from typing import Annotated

from pydantic import Field

from autodetect.records import Record

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class PackageParity(Record):
    """How a package answered photos beside the Keras model that it was made from.

    `largest_difference` is that of one probability; `agreement` the share of the `decided` photos (those on which the
    Keras model's first two answers lie further apart than rounding can move them) with the same first answer.
    """

    photos: int = Field(ge=0)
    largest_difference: Finite
    decided: int = Field(ge=0)
    agreement: Share


class PackageLoss(Record):
    """The share of test vehicles that a package loses against the champion (negative: gains), 95 % interval, paired."""

    vehicles: int = Field(ge=0)
    loss: Finite
    low: Finite
    high: Finite


class PackageFact(Record):
    """One package: variant, file of the release, bytes of the package unzipped, and what it is worth.

    `loss` is None where there were no test photos. The `recommended` one is what an app should fetch.
    """

    name: str
    file: str
    size: int = Field(ge=0, description="bytes, unzipped")
    parity: PackageParity
    loss: PackageLoss | None = None
    recommended: bool = False
