"""The model year that a VIN's tenth sign stands for (49 CFR 565.15): one of thirty signs, in turn since 1980."""

FIRST_YEAR = 1980  # no car before has a VIN of 17 signs
SIGNS = "ABCDEFGHJKLMNPRSTVWXY123456789"
NEAR = 1  # sellers mix up the model year with that of the build or of the first registration


def sign_of(year: int) -> str:
    """Return the tenth sign of the VINs of a model year since 1980; every thirty years it is the same again."""
    return SIGNS[(year - FIRST_YEAR) % len(SIGNS)]
