"""The cars that the generated marketplace trades: real names, how sellers misspell them, and what they roughly cost."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TradedModel:
    """A make and model on the market.

    Args:
        make: as most sellers write it.
        model: as most sellers write it.
        shape: its body in `shapes`.
        price: US dollars for a new one.
        halves_in: years until it is worth half.
        years: first and last model year on offer.
        trims: trims on offer.
        engine: displacement and layout.
        cylinders: their number.
        body_type: eBay's body type.
        drive_type: driven wheels.
        misspelt: other (make, model) pairs that sellers write for it.
        fuel_type: what it burns.
    """

    make: str
    model: str
    shape: str
    price: int
    halves_in: float
    years: tuple[int, int]
    trims: tuple[str, ...]
    engine: str
    cylinders: int
    body_type: str
    drive_type: str
    misspelt: tuple[tuple[str, str], ...]
    fuel_type: str = "Gasoline"


MODELS: tuple[TradedModel, ...] = (
    TradedModel(
        "Ford", "Mustang", "mustang", 38_000, 7.0, (2005, 2023), ("GT", "V6 Premium", "EcoBoost", ""), "5.0L V8", 8,
        "Coupe", "RWD", (("Ford", "mustang"), ("FORD", "Mustang GT"), ("Ford", "Ford Mustang")),
    ),
    TradedModel(
        "Audi", "TT", "tt", 46_000, 5.5, (2000, 2020), ("quattro", "1.8T", "S line", ""), "2.0L I4 Turbo", 4,
        "Coupe", "AWD", (("AUDI", "tt 2.0"), ("Audi", "TT Quattro"), ("audi", "tt")),
    ),
    TradedModel(
        "Volkswagen", "Beetle", "beetle", 24_000, 5.5, (1999, 2019), ("GLS", "SE", "Turbo", "S"), "2.5L I5", 5,
        "Hatchback", "FWD", (("VW", "Beetle"), ("Volkswagen", "New Beetle"), ("volkswagon", "beetle")),
    ),
    TradedModel(
        "Jeep", "Wrangler", "wrangler", 41_000, 9.0, (1998, 2023), ("Sport", "Sahara", "Rubicon", "X"), "3.6L V6", 6,
        "SUV", "4WD", (("JEEP", "wrangler"), ("Jeep", "Jeep Wrangler"), ("Jeep", "Wrangler 4x4")),
    ),
    TradedModel(
        "Ford", "F-150", "f150", 48_000, 7.5, (2004, 2023), ("XLT", "Lariat", "XL", "King Ranch"), "5.0L V8", 8,
        "Crew Cab Pickup", "4WD", (("Ford", "F150"), ("FORD", "F-150 XLT"), ("Ford", "f 150")),
    ),
    TradedModel(
        "Toyota", "Prius", "prius", 28_000, 7.0, (2004, 2022), ("Two", "Three", "Base", "Four"), "1.8L Hybrid", 4,
        "Hatchback", "FWD", (("TOYOTA", "PRIUS"), ("Toyota", "Toyota Prius"), ("toyota", "prius hybrid")), "Hybrid",
    ),
    TradedModel(
        "MINI", "Cooper", "mini", 27_000, 5.0, (2002, 2022), ("S", "Base", "John Cooper Works", ""), "1.6L I4", 4,
        "Hatchback", "FWD", (("Mini", "cooper"), ("MINI", "Cooper S"), ("Mini Cooper", "Cooper")),
    ),
    TradedModel(
        "Chevrolet", "Corvette", "corvette", 66_000, 8.5, (1997, 2022), ("Base", "Z06", "Stingray", "Grand Sport"),
        "6.2L V8", 8, "Coupe", "RWD", (("Chevy", "Corvette"), ("CHEVROLET", "corvette"), ("Chevrolet", "Vette")),
    ),
    TradedModel(
        "Honda", "Odyssey", "odyssey", 36_000, 6.0, (2003, 2022), ("EX-L", "EX", "Touring", "LX"), "3.5L V6", 6,
        "Minivan", "FWD", (("HONDA", "odyssey"), ("Honda", "Honda Odyssey"), ("Honda", "Odyssey EX-L")),
    ),
    TradedModel(
        "Mercedes-Benz", "G-Class", "g_class", 128_000, 8.0, (2003, 2022), ("G 500", "G 550", "AMG G 63", ""),
        "5.5L V8", 8, "SUV", "AWD", (("Mercedes", "G Class"), ("Mercedes-Benz", "G-Wagon"), ("MERCEDES", "G550")),
    ),
    TradedModel(
        "Porsche", "911", "p911", 112_000, 10.0, (1995, 2022), ("Carrera", "Carrera S", "Turbo", "Targa"), "3.6L H6", 6,
        "Coupe", "RWD", (("PORSCHE", "911 Carrera"), ("Porsche", "Porsche 911"), ("porsche", "911")),
    ),
    TradedModel(
        "Volvo", "XC90", "xc90", 55_000, 5.0, (2003, 2022), ("T6", "T5", "Momentum", "Inscription"), "2.0L I4", 4,
        "SUV", "AWD", (("VOLVO", "xc90"), ("Volvo", "XC 90"), ("Volvo", "Volvo XC90 T6")),
    ),
    TradedModel(
        "Dodge", "Challenger", "challenger", 40_000, 7.0, (2008, 2023), ("R/T", "SXT", "SRT8", "Scat Pack"), "5.7L V8",
        8, "Coupe", "RWD", (("Dodge", "Dodge Challenger"), ("DODGE", "challenger"), ("Dodge", "Challenger R/T")),
    ),
    TradedModel(
        "Fiat", "500", "fiat500", 18_000, 4.0, (2012, 2019), ("Pop", "Lounge", "Abarth", "Sport"), "1.4L I4", 4,
        "Hatchback", "FWD", (("FIAT", "500"), ("Fiat", "500 Pop"), ("fiat", "Fiat 500")),
    ),
)  # fmt: skip

# Listed by sellers as model 'Other': bodies that are none of the models above.
OTHERS: tuple[TradedModel, ...] = (
    TradedModel(
        "Chevrolet", "Other", "fifties", 30_000, 60.0, (1954, 1959), ("", "2 door"), "283 V8", 8, "Sedan", "RWD", (),
    ),
    TradedModel(
        "Mercedes-Benz", "Other", "van", 40_000, 5.0, (2008, 2020), ("2500", "3500 High Roof"), "3.0L V6", 6, "Van",
        "RWD", (), "Diesel",
    ),
    TradedModel(
        "Ford", "Other", "hot_rod", 36_000, 60.0, (1932, 1936), ("", "Street Rod"), "350", 8, "Coupe", "RWD", (),
    ),
)  # fmt: skip

# Downtown ZIP codes of the largest US cities, coast to coast, with city and state.
PLACES: dict[str, tuple[str, str]] = {
    "10001": ("New York", "New York"),
    "90012": ("Los Angeles", "California"),
    "60601": ("Chicago", "Illinois"),
    "77002": ("Houston", "Texas"),
    "85004": ("Phoenix", "Arizona"),
    "19103": ("Philadelphia", "Pennsylvania"),
    "78205": ("San Antonio", "Texas"),
    "92101": ("San Diego", "California"),
    "75201": ("Dallas", "Texas"),
    "95113": ("San Jose", "California"),
    "78701": ("Austin", "Texas"),
    "32202": ("Jacksonville", "Florida"),
    "76102": ("Fort Worth", "Texas"),
    "43215": ("Columbus", "Ohio"),
    "28202": ("Charlotte", "North Carolina"),
    "46204": ("Indianapolis", "Indiana"),
    "94103": ("San Francisco", "California"),
    "98101": ("Seattle", "Washington"),
    "80202": ("Denver", "Colorado"),
    "20001": ("Washington", "District of Columbia"),
    "37203": ("Nashville", "Tennessee"),
    "73102": ("Oklahoma City", "Oklahoma"),
    "79901": ("El Paso", "Texas"),
    "02108": ("Boston", "Massachusetts"),
    "97204": ("Portland", "Oregon"),
    "89101": ("Las Vegas", "Nevada"),
    "48226": ("Detroit", "Michigan"),
    "38103": ("Memphis", "Tennessee"),
    "40202": ("Louisville", "Kentucky"),
    "21202": ("Baltimore", "Maryland"),
    "53202": ("Milwaukee", "Wisconsin"),
    "87102": ("Albuquerque", "New Mexico"),
    "85701": ("Tucson", "Arizona"),
    "93721": ("Fresno", "California"),
    "95814": ("Sacramento", "California"),
    "64106": ("Kansas City", "Missouri"),
    "30303": ("Atlanta", "Georgia"),
    "68102": ("Omaha", "Nebraska"),
    "33130": ("Miami", "Florida"),
    "55401": ("Minneapolis", "Minnesota"),
    "33602": ("Tampa", "Florida"),
    "70112": ("New Orleans", "Louisiana"),
    "44114": ("Cleveland", "Ohio"),
}
ZIP_CODES: tuple[str, ...] = tuple(PLACES)
