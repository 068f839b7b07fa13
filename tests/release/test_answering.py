"""What a person is told is what the model says, at its temperature, and nothing of what must not answer."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autodetect.classifier.temperature import UNTEMPERED, Temperatures
from autodetect.release.answering import answer

ANY = Temperatures(photo=2.0, vehicle=3.0)


@st.composite
def answers(draw: st.DrawFn) -> tuple[np.ndarray, list[int]]:
    """What a head says of photos, float32 (n, classes), and which outputs may answer."""
    photos, classes = draw(st.integers(1, 5)), draw(st.integers(1, 8))
    logits = draw(st.lists(st.floats(-40, 40), min_size=photos * classes, max_size=photos * classes))
    spread = np.exp(np.reshape(logits, (photos, classes)) - np.max(logits))
    answering = draw(st.lists(st.integers(0, classes - 1), min_size=1, unique=True))
    silent = [i for i in range(classes) if i not in answering]
    spread[:, silent] = 0
    spread[:, answering] += 1e-30
    return (spread / spread.sum(axis=1, keepdims=True)).astype(np.float32), answering


@given(answers(), st.floats(0.1, 10), st.floats(0.1, 10))
def test_it_sums_to_one_and_silent_outputs_stay_exactly_zero(said, by_photo, by_vehicle):
    probabilities, answering = said
    found = answer(probabilities, answering, Temperatures(photo=by_photo, vehicle=by_vehicle))
    assert abs(found.sum() - 1) < 1e-9
    assert not np.delete(found, answering).any()


@given(answers())
def test_a_photo_alone_without_a_temperature_is_told_as_the_head_says(said):
    probabilities, answering = said
    found = answer(probabilities[:1], answering, UNTEMPERED)
    np.testing.assert_allclose(found, probabilities[0], atol=1e-6)


@given(answers(), st.randoms())
def test_the_order_of_photos_plays_no_part(said, random):
    probabilities, answering = said
    order = list(range(len(probabilities)))
    random.shuffle(order)
    np.testing.assert_allclose(
        answer(probabilities[order], answering, ANY), answer(probabilities, answering, ANY), atol=1e-12
    )


def test_photos_of_one_car_are_averaged_by_log_probability_at_the_temperature_by_vehicle():
    probabilities = np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3]])
    mean = np.exp(np.log(probabilities).mean(axis=0) / 3.0)
    np.testing.assert_allclose(answer(probabilities, [0, 1, 2], ANY), mean / mean.sum())
    alone = np.sqrt(probabilities[0])
    np.testing.assert_allclose(answer(probabilities[:1], [0, 1, 2], ANY), alone / alone.sum())
