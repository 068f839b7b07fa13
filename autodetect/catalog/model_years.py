"""The model year that a VIN's tenth sign stands for (49 CFR 565.15): one of thirty signs, in turn since 1980."""

FIRST_YEAR = 1980  # no car before has a VIN of 17 signs
SIGNS = "ABCDEFGHJKLMNPRSTVWXY123456789"
NEAR = 1  # sellers mix up the model year with that of the build or of the first registration


def sign_of(year: int) -> str:
    """Return the tenth sign of the VINs of a model year since 1980; every thirty years it is the same again."""
    return SIGNS[(year - FIRST_YEAR) % len(SIGNS)]


def vin_contradicts(vin: str, year: int) -> bool:
    """Return whether a VIN's model year is more than a year off, in whichever round of thirty years.

    Args:
        vin: 17 signs whose check digit holds, in capitals; any other text contradicts nothing.
        year: the model year that the listing names.
    """
    if len(vin) != 17 or vin[9] not in SIGNS:
        return False
    off = (year - FIRST_YEAR - SIGNS.index(vin[9])) % len(SIGNS)
    return year < FIRST_YEAR - NEAR or NEAR < off < len(SIGNS) - NEAR
