"""What a night's training set is worth telling, for the summary and the report alike."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from autodetect.dataset.changes import Changes
from autodetect.dataset.class_changes import ClassEvent
from autodetect.dataset.training_set import TrainingSetFacts
from autodetect.records import Receipt
from autodetect.report.facts import ClassSize

MOST_NAMED = 5
MOST_EVENTS = 8
MOST_SIZES = 5  # of the smallest, and of the largest classes


def training_lines(facts: TrainingSetFacts, labels: Mapping[int, str] | None = None) -> Iterator[tuple[str, str]]:
    """Yield what there is to tell of the training set, as (what, words).

    Args:
        facts: of the train receipt.
        labels: class id -> label; without them classes that changed are counted, not named.
    """
    leak = facts.by_photo
    if leak and leak.test_photos:
        share = f"{leak.share:.0%} of {leak.test_photos:,} test photos would have shown a car of the training set"
        yield "leak check", f"no car stands in two splits; with a split by photo {share}"
    if facts.changes:
        yield "set changed", _changed(facts.changes, labels or {})
    if facts.class_events:
        yield "classes changed", _events(facts.class_events)
    if any(facts.others.values()):
        cars = ", ".join(f"{count:,} of {split}" for split, count in sorted(facts.others.items()) if count)
        yield "cars of no class", f"{cars}: vehicles that train nothing; unknown cars are among them"
    if facts.over_vehicle or facts.over_class:
        over = f"{facts.over_vehicle:,} beyond what a vehicle may have, {facts.over_class:,} beyond a class"
        yield "photos left out", over
    if facts.thin:
        each = (f"{t.label} ({t.vehicles} vehicles, {t.validation} validation, {t.test} test)" for t in facts.thin)
        yield "below minimum", f"{_count(len(facts.thin), 'class', 'classes')}: {_named(each)}"
    if facts.waiting:
        each = (f"{w.label} ({w.vehicles} vehicles, {_count(w.sellers, 'seller')})" for w in facts.waiting)
        models = _count(len(facts.waiting), "model")
        yield "waiting for review", f"{models} that the catalogue does not list: {_named(each)}"
    if facts.conflicts_in_all:
        cases = _count(facts.conflicts_in_all, "photo or vehicle", "photos and vehicles")
        first = "; ".join(" and ".join(s.make_model_id for s in c.shown) for c in facts.conflicts[:MOST_NAMED])
        yield "conflicting labels", f"{cases} shown as several models and not trained, such as {first}"


def screening_lines(curate: Receipt | None) -> Iterator[tuple[str, str]]:
    """Yield what there is to tell of the screening of photos, as (what, words)."""
    if curate and curate.facts.get("screening_note"):
        yield "screening", curate.facts["screening_note"]


def smallest_and_largest(
    facts: TrainingSetFacts, labels: Mapping[int, str]
) -> tuple[tuple[ClassSize, ...], tuple[ClassSize, ...]]:
    """Return the classes with the fewest and those with the most vehicles; no class is among both."""
    sizes = sorted((_size(labels.get(int(i), i), splits) for i, splits in facts.classes.items()), key=_by_vehicles)
    smallest, rest = sizes[:MOST_SIZES], sizes[MOST_SIZES:]
    return tuple(smallest), tuple(rest[::-1][:MOST_SIZES])


def listing_key(listing: str) -> tuple[str, str]:
    """Return the source and item id that `<source>/<item id>` names."""
    source, _, item_id = listing.partition("/")
    return source, item_id


def _size(label: str, splits: Mapping[str, list[int]]) -> ClassSize:
    counts = {
        f"{split}_{unit}": count
        for split, (photos, vehicles) in splits.items()
        for unit, count in (("photos", photos), ("vehicles", vehicles))
    }
    return ClassSize(label=label, **counts)


def _events(events: Sequence[ClassEvent]) -> str:
    """Return what became of classes: those that joined are counted, all others named."""
    joined = sum(event.kind == "joined" for event in events)
    told = [event.words for event in events if event.kind != "joined"]
    more = [f"and {len(told) - MOST_EVENTS} more"] if len(told) > MOST_EVENTS else []
    counted = [f"{_count(joined, 'class', 'classes')} joined"] if joined else []
    return "; ".join([*counted, *told[:MOST_EVENTS], *more])


def _by_vehicles(size: ClassSize) -> tuple[int, str]:
    return size.vehicles, size.label


def _changed(changes: Changes, labels: Mapping[int, str]) -> str:
    if not changes.anything:
        return "nothing"
    words = [f"{changes.added:,} photos added, {changes.removed:,} removed"]
    if changes.removed_by:
        rules = sorted(changes.removed_by.items(), key=lambda rule: (-rule[1], rule[0]))
        words[0] += f" ({_named(f'{count:,} {rule}' for rule, count in rules)})"
    if changes.moved:
        words.append(f"{changes.moved:,} moved to another class")
    if changes.resplit:
        words.append(f"{changes.resplit:,} moved to another split")
    for what, classes in (("new", changes.classes_new), ("gone", changes.classes_gone)):
        if classes:
            names = [labels[each] for each in classes if each in labels]
            words.append(
                _count(len(classes), f"class {what}", f"classes {what}") + (f": {_named(names)}" * bool(names))
            )
    if changes.grown or changes.shrunk:
        words.append(f"{changes.grown:,} classes grown, {changes.shrunk:,} shrunk")
        most = (*changes.shrunk_most[:1], *changes.grown_most[:1])
        named = [f"{labels[each.class_id]} {each.photos:+,}" for each in most if each.class_id in labels]
        words[-1] += f" ({', '.join(named)})" if named else ""
    return "; ".join(words)


def _count(number: int, one: str, several: str = "") -> str:
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def _named(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - MOST_NAMED:,} more" if len(every) > MOST_NAMED else ""
    return ", ".join(every[:MOST_NAMED]) + more
