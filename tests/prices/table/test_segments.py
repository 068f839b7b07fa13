"""What sellers call a body, and the segment that a model belongs to."""

import numpy as np
import pyarrow as pa
import pytest

from autodetect.prices.table.segments import SEGMENTS, model_segments, segment_of


@pytest.mark.parametrize(
    ("body", "segment"),
    [
        ("SUV", "SUV"),
        ("4D Sport Utility", "SUV"),
        ("Crew Cab Pickup", "pickup"),
        ("Pickup (Truck)", "pickup"),
        ("Cab & Chassis", "pickup"),
        ("Extended Cab", "pickup"),
        ("4dr Car", "sedan"),
        ("Four doors", "sedan"),
        ("SUT", "pickup"),
        ("4 door hardtop", "sedan"),
        ("2 Door Hardtop", "coupe"),
        ("Coupé", "coupe"),
        ("CONVERTIBLE", "convertible"),
        ("Hardtop Convertible", "convertible"),
        ("T-Top", "convertible"),
        ("Station Wagon", "wagon"),
        ("Hatchback 4 Dr.", "hatchback"),
        ("Mini-van, Passenger", "van"),
        ("Minivan/Van", "van"),
        ("Hearse", "other"),
        ("BOX TRUCK", "other"),
        ("Vanity", "other"),
        ("Other", None),
        ("--", None),
        ("", None),
    ],
)
def test_a_body_type_has_its_segment(body, segment):
    assert segment_of(body) == segment
    assert segment is None or segment in SEGMENTS


def test_most_of_a_models_listings_decide_and_those_that_say_nothing_do_not_count():
    bodies = pa.array(["Coupe", None, None, "--", "SUV", "SUV", "Sedan", "Coupe", "Coupe", "SUV"], pa.large_string())
    models = np.array([0, 0, 0, 0, 1, 1, 1, 2, -1, -1])
    found = model_segments(bodies, models, 4)
    assert [SEGMENTS[place] if place >= 0 else None for place in found] == ["coupe", "SUV", "coupe", None]


def test_of_equals_it_is_the_same_one_in_any_order():
    bodies, models = pa.array(["Coupe", "Sedan"], pa.large_string()), np.array([0, 0])
    assert model_segments(bodies, models, 1) == model_segments(bodies.take([1, 0]), models, 1)


def test_no_listings_say_nothing():
    nothing = pa.array([], pa.large_string())
    assert model_segments(nothing, np.zeros(0, np.int64), 2).tolist() == [-1, -1]
