"""What the folders above a photo say: make, model, perhaps the year, and which photos show one car.

`make/model/photo.jpg`, `make/model/car/photo.jpg` (the third folder holds photos of one car, or is a year) or
`make_model/photo.jpg`; a model may end in a year (`honda_civic_2001`). A folder `photos` around them says nothing.
"""

import re
from dataclasses import dataclass

from autodetect.catalog.identify import identify
from autodetect.catalog.makes import make_leading, make_named, text_key

PHOTOS = "photos"
MOST_FOLDERS = 3

_YEAR = re.compile(r"(?:19|20)\d\d")
# Not after a hyphen: a Peugeot e-2008 is no Peugeot e of 2008.
_TRAILING_YEAR = re.compile(r"(?<=[^_\s])[_\s]+((?:19|20)\d\d)$")
_WORD = re.compile(r"[^\s_:-]+")


@dataclass(frozen=True)
class Label:
    """A make and model as the folders spell them, known makes as the catalogue does.

    `year` is '' where none is said; `one_car` tells that all photos of the folder show the same car.
    """

    make: str
    model: str
    year: str = ""
    one_car: bool = False

    @property
    def title(self) -> str:
        """Return the title that a listing of such a photo gets."""
        return f"{self.make} {self.model}".strip()


def label_of(folders: tuple[str, ...]) -> Label | None:
    """Return what the folders from the top down to a photo say; None when they are too many to be read."""
    if folders[:1] == (PHOTOS,):
        folders = folders[1:]
    match folders:
        case ():
            return Label("", "")
        case (both,):
            name, year = _without_year(both)
            return Label(*split_name(name), year)
        case (make, model):
            return _labelled(make, model)
        case (make, model, year) if _YEAR.fullmatch(year):
            label = _labelled(make, model)
            return Label(label.make, label.model, year)
        case (make, model, _):
            label = _labelled(make, model)
            return Label(label.make, label.model, label.year, one_car=True)
        case _:
            return None


def split_name(name: str) -> tuple[str, str]:
    """Split 'alfa_romeo_giulia' into ('Alfa Romeo', 'giulia'); of a make that is not known, the first word is kept."""
    words = list(_WORD.finditer(name))
    if not words:
        return "", ""
    leading = make_leading(" ".join(word.group() for word in words))
    make, rest = leading or (words[0].group(), " ".join(word.group() for word in words[1:]))
    count = len(rest.split())
    # The model keeps its hyphens: 'honda_cr-v' is shown as a Honda cr-v.
    return make, _blanks(name[words[len(words) - count].start() :]) if count else ""


def defect(make: str, model: str, title: str) -> str:
    """Return the rule that a listing breaks by naming no make and model; '' for one that names them."""
    identity = identify(make, model, title)
    if identity.reason != "missing":
        return ""
    return "import.no_model" if text_key(identity.make) else "import.no_make"


def _labelled(make: str, model: str) -> Label:
    name, year = _without_year(model)
    spelt = _blanks(make)
    return Label(make_named(spelt) or spelt, _blanks(name), year)


def _without_year(name: str) -> tuple[str, str]:
    match = _TRAILING_YEAR.search(name)
    return (name[: match.start()], match[1]) if match else (name, "")


def _blanks(name: str) -> str:
    return " ".join(name.replace("_", " ").split())
