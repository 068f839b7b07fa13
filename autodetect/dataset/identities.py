"""Makes and models of many sightings: each pair is decided once, and a title is read only where it decides."""

from collections import Counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from autodetect.catalog.answers import Answers
from autodetect.catalog.identify import Identity, identify, without_title

MOST_REMEMBERED = 65_536  # pairs, and as many titles: what is kept does not grow with the number of sightings
_BY_TITLE = -1


class Identifier:
    """Decides makes and models block by block.

    Args:
        answers: what a person decided.

    Attributes:
        decisions: every different decision so far, with the number of rows that it was made for.
    """

    def __init__(self, answers: Answers | None) -> None:
        self.decisions: Counter[Identity] = Counter()
        self._answers = answers
        self._codes: dict[Identity, int] = {}
        self._known: list[Identity] = []
        self._pairs: dict[tuple[str, str], int] = {}
        self._titles: dict[tuple[str, str, str], int] = {}

    def decide(self, makes: pa.Array, models: pa.Array, titles: pa.Array) -> tuple[pa.Array, pa.Array]:
        """Return the columns `make_model_id` and `catalog_reason` of a block, as `identify` decides row by row."""
        coded_makes, coded_models = makes.dictionary_encode(), models.dictionary_encode()
        make_names, model_names = coded_makes.dictionary.to_pylist(), coded_models.dictionary.to_pylist()
        pair_of_row = coded_makes.indices.to_numpy().astype(np.int64) * max(1, len(model_names))
        pair_of_row += coded_models.indices.to_numpy()
        pairs, of_row = np.unique(pair_of_row, return_inverse=True)
        written = [(make_names[pair // len(model_names)], model_names[pair % len(model_names)]) for pair in pairs]
        codes = np.array([self._of_pair(*pair) for pair in written], dtype=np.int64)[of_row]
        rows = np.flatnonzero(codes == _BY_TITLE)
        for row, title in zip(rows.tolist(), titles.take(pa.array(rows)).to_pylist(), strict=True):
            make, model = written[of_row[row]]
            codes[row] = self._of_title(make, model, title)
        return self._columns(codes)

    def _columns(self, codes: NDArray[np.int64]) -> tuple[pa.Array, pa.Array]:
        used, of_row, counts = np.unique(codes, return_inverse=True, return_counts=True)
        found = [self._known[code] for code in used]
        self.decisions.update(dict(zip(found, counts.tolist(), strict=True)))
        at = pa.array(of_row)
        ids = pa.array([each.make_model_id for each in found], pa.string())
        return ids.take(at), pa.array([each.reason for each in found], pa.string()).take(at)

    def _of_pair(self, make: str, model: str) -> int:
        code = self._pairs.get((make, model))
        if code is None:
            decided = without_title(make, model, self._answers)
            code = _BY_TITLE if decided is None else self._code(decided)
            if len(self._pairs) >= MOST_REMEMBERED:
                self._pairs.clear()
            self._pairs[make, model] = code
        return code

    def _of_title(self, make: str, model: str, title: str) -> int:
        code = self._titles.get((make, model, title))
        if code is None:
            code = self._code(identify(make, model, title, self._answers))
            if len(self._titles) >= MOST_REMEMBERED:
                self._titles.clear()
            self._titles[make, model, title] = code
        return code

    def _code(self, identity: Identity) -> int:
        code = self._codes.setdefault(identity, len(self._known))
        if code == len(self._known):
            self._known.append(identity)
        return code
