"""Vehicle identification numbers: 17 signs, the ninth of which checks the others (49 CFR 565.15)."""

import re

_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VALUES = {sign: int(sign) for sign in "0123456789"} | dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
)
_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")


def check_digit(vin: str) -> str:
    """Return the ninth sign that a VIN of these 17 signs must have: '0' to '9' or 'X'."""
    remainder = sum(_VALUES[sign] * weight for sign, weight in zip(vin, _WEIGHTS, strict=True)) % 11
    return "X" if remainder == 10 else str(remainder)


def read_vin(text: str) -> str:
    """Return a VIN in capitals and without blanks and hyphens; '' for anything whose check digit does not hold."""
    vin = re.sub(r"[\s-]", "", text).upper()
    return vin if _VIN.fullmatch(vin) and len(set(vin)) > 1 and vin[8] == check_digit(vin) else ""
