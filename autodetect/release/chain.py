"""Who signed what in a whole history: every entry's signature, and the manifests' by the keys that were in force."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from autodetect.errors import CorruptError
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.release.history import HistoryEntry
from autodetect.release.layout import manifest_key
from autodetect.release.signed import read_signatures
from autodetect.release.signing import PublicKey
from autodetect.release.trust import key_in_force


@dataclass(frozen=True)
class Chain:
    """The keys of a history.

    Attributes:
        keys: by release, the keys that were in force when it came into force; of the newest entry only its own key.
            Empty where signatures are not judged.
        judged: whether there was a key to judge by.
        problems: by entry, what is wrong with its signatures.
        notes: what was not judged, and why.
    """

    keys: dict[str, set[PublicKey]] = field(default_factory=dict)
    judged: bool = False
    problems: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, history: Sequence[HistoryEntry], trusted: PublicKey | None, place: str) -> "Chain":
        """Follow the chain through the sound entries of a history, oldest first.

        Args:
            history: the entries; where one is missing, what follows from it cannot be judged.
            trusted: the store's first key, or one that a rotation brought in; None: nothing is judged.
            place: the store, for messages.
        """
        problems = _displaced(history)
        if trusted is None:
            notes = ("no trusted key was at hand: signatures were looked for, and not judged",) if history else ()
            return cls(problems=problems, notes=notes)
        came_in = next((entry.sequence for entry in history if entry.new_key and entry.new_key.is_same(trusted)), 1)
        by_number = {entry.sequence: entry for entry in history}
        keys: dict[str, set[PublicKey]] = {}

        def read(sequence: int) -> HistoryEntry:
            if sequence not in by_number:
                raise CorruptError(f"{place}: entry {sequence}, which brought in its key, is missing or damaged")
            return by_number[sequence]

        for entry in history:
            if entry.sequence < came_in:
                continue
            try:
                key = key_in_force(entry, read, trusted, place)
            except CorruptError as error:
                problems.setdefault(entry.sequence, error.what)
                continue
            keys.setdefault(entry.release_id, set()).add(key)
            if entry is history[-1]:
                keys = {each: {*known, key} for each, known in keys.items()} | {entry.release_id: {key}}
        for sequence, words in broken_links(history).items():
            problems.setdefault(sequence, words)
        notes = (f"entries 1 to {came_in - 1} were signed before the trusted key came in: not judged",)
        return cls(keys, judged=True, problems=problems, notes=notes if came_in > 1 else ())

    def manifest_problem(self, store: ObjectStore, release_id: str, channel: str) -> str:
        """Return what is wrong with the signatures of a sound manifest, in words, or an empty text."""
        try:
            data, signatures = store.get(manifest_key(release_id)), read_signatures(store, release_id).signatures
        except ObjectMissingError:
            return "missing: the manifest is not signed"
        except CorruptError as error:
            return error.what
        keys = self.keys.get(release_id, set())
        signed_by = [key for key in keys if key.has_signed("manifest", data, signatures)]
        if keys and not signed_by:
            ids = " or ".join(sorted(key.key_id for key in keys))
            return f"the manifest is not signed by the key {ids}: it was changed, or another key made it"
        if channel == "production" and signed_by and all(key.purpose == "demo" for key in signed_by):
            return f"a demo key, {signed_by[0].key_id}, signed a release of the channel 'production'"
        return ""


def broken_links(history: Sequence[HistoryEntry]) -> dict[int, str]:
    """Return the entries that were made after another entry than the store has before them; oldest first.

    A key that was displaced can still sign the entries of its own time: only what came after them tells.
    """
    return {
        entry.sequence: f"was made after another entry {before.sequence} than the one here, which was changed since"
        for before, entry in pairwise(history)
        if entry.sequence == before.sequence + 1 and entry.follows != before.digest
    }


def _displaced(history: Sequence[HistoryEntry]) -> dict[int, str]:
    """Return the entries that rest on another key than the entry before says."""
    found = {}
    for before, entry in pairwise(history):
        if entry.sequence == before.sequence + 1 and entry.key_since != before.next_key_since:
            found[entry.sequence] = (
                f"says that its key came in with entry {entry.key_since}; entry {before.sequence} says"
                f" {before.next_key_since}: a key that is not in force made it"
            )
    return found
