"""Candidates: each picture once, and nothing that is shown as two cars."""

from tests.dataset.cars import SOURCE, choose, photo, rows, shown


def refused(found) -> dict[str, tuple[str, str]]:
    return {refusal.key: (refusal.rule, refusal.value) for refusal in found.refusals}


def test_a_photo_stands_for_its_copies_once() -> None:
    photos = [photo("a"), photo("b", "a"), photo("c")]
    found = choose(photos, [shown("1", "a"), shown("1", "b"), shown("1", "c")], {"1": "audi/tt"})
    assert rows(found.frame) == [("a", "audi/tt", "v1", "train"), ("c", "audi/tt", "v1", "train")]
    assert refused(found) == {}


def test_a_photo_shown_as_two_models_trains_neither_and_names_both_listings() -> None:
    photos = [photo("a"), photo("b", "a"), photo("c")]
    listing_photos = [shown("1", "a"), shown("2", "b"), shown("2", "c")]
    found = choose(photos, listing_photos, {"1": "audi/tt", "2": "ford/mustang"})
    assert [sha256 for sha256, *_ in rows(found.frame)] == ["c"]
    assert refused(found) == {
        "a": ("photo.models_conflict", "audi/tt in sandbox/1, photo a; ford/mustang in sandbox/2, photo b")
    }
    (conflict,) = found.conflicts
    assert [(each.make_model_id, each.listing, each.photo) for each in conflict.shown] == [
        ("audi/tt", f"{SOURCE}/1", "a"),
        ("ford/mustang", f"{SOURCE}/2", "b"),
    ]


def test_a_vehicle_shown_as_two_models_trains_neither_and_names_both_listings() -> None:
    one_car = {"1": ("v", "test"), "2": ("v", "test")}
    models = {"1": "audi/tt", "2": "ford/mustang", "3": "ford/mustang"}
    photos = [photo("a"), photo("b"), photo("c")]
    found = choose(photos, [shown("1", "a"), shown("2", "b"), shown("3", "c")], models, one_car)
    assert [sha256 for sha256, *_ in rows(found.frame)] == ["c"]
    assert refused(found) == {
        "v": ("vehicle.models_conflict", "audi/tt in sandbox/1, photo a; ford/mustang in sandbox/2, photo b")
    }


def test_a_logo_under_many_models_names_a_few_of_them() -> None:
    models = {str(n): f"make/{n}" for n in range(9)}
    found = choose([photo("logo")], [shown(item_id, "logo") for item_id in models], models)
    (conflict,) = found.conflicts
    assert (len(conflict.shown), conflict.more) == (6, 3)
    assert conflict.refusal.value.endswith("; and 3 more models")


def test_a_picture_that_vehicles_of_two_splits_share_is_nobodys() -> None:
    photos = [photo("stock"), photo("a"), photo("b")]
    listing_photos = [shown("1", "stock"), shown("2", "stock"), shown("1", "a"), shown("2", "b")]
    models: dict[str, str | None] = {"1": "audi/tt", "2": "audi/tt"}
    found = choose(photos, listing_photos, models, {"1": ("v1", "train"), "2": ("v2", "test")})
    assert [sha256 for sha256, *_ in rows(found.frame)] == ["a", "b"]
    assert refused(found) == {"stock": ("photo.shared_across_splits", "v1 (train), v2 (test)")}


def test_refused_photos_and_unnamed_models_are_no_candidates() -> None:
    photos = [photo("a", verdict="photo.blank"), photo("b"), photo("c"), photo("d")]
    listing_photos = [shown("1", "a"), shown("2", "b"), shown("3", "c"), shown("9", "d"), shown("1", "unknown")]
    found = choose(photos, listing_photos, {"1": "audi/tt", "2": None, "3": "audi/tt"})
    assert [sha256 for sha256, *_ in rows(found.frame)] == ["c"]
    assert refused(found) == {}


def test_a_listing_that_names_no_model_does_not_contradict() -> None:
    found = choose([photo("a")], [shown("1", "a"), shown("2", "a")], {"1": None, "2": "audi/tt"})
    assert rows(found.frame) == [("a", "audi/tt", "v1", "train")]


def test_nothing_gives_nothing() -> None:
    found = choose([], [], {})
    assert (len(found.frame), found.conflicts, found.refusals) == (0, (), ())
