"""What distinguishes two cars of one model: paint, wheels, tint and options."""

import random
from dataclasses import dataclass

from crawlers.sandbox.painting.body import BodyShape
from crawlers.sandbox.painting.canvas import COLOURS, Colour, shade

# Paints and how many cars in a hundred wear them.
PAINTS: tuple[tuple[Colour, int], ...] = (
    ((232, 232, 228), 20),
    ((34, 35, 38), 18),
    ((170, 174, 178), 15),
    ((104, 108, 112), 11),
    ((168, 28, 30), 11),
    ((32, 62, 128), 10),
    ((222, 188, 40), 3),
    ((70, 96, 74), 3),
    ((205, 96, 34), 2),
    ((196, 182, 150), 3),
    ((92, 60, 44), 2),
    ((120, 168, 196), 2),
)
OPTIONAL = frozenset({"stripes", "spoiler", "rails", "two_tone", "side_stripe", "rack_lights", "whale_tail"})


@dataclass(frozen=True)
class Finish:
    """One car's choices; `tint` is how light its glass is, `options` are extras of its body that it has."""

    paint: Colour
    rim: Colour
    spokes: int
    tint: float
    options: frozenset[str]

    @classmethod
    def choose(cls, shape: BodyShape, rng: random.Random) -> "Finish":
        """A seeded choice; optional extras come with half of the cars, the structural ones with all."""
        paint = rng.choices([colour for colour, _ in PAINTS], [weight for _, weight in PAINTS])[0]
        options = frozenset(name for name in shape.extras if name not in OPTIONAL or rng.random() < 0.5)
        return cls(
            paint=shade(paint, rng.uniform(0.88, 1.08)),
            rim=rng.choice([(188, 190, 194), (150, 152, 156), (60, 60, 62), (210, 210, 212)]),
            spokes=rng.choice([5, 5, 6, 7, 8, 10]),
            tint=rng.uniform(0.6, 1.3),
            options=options,
        )


def contrast(finish: Finish) -> Colour:
    """The colour of stripes and of a two-tone roof: white on dark paint, black on light."""
    return COLOURS["white"] if sum(finish.paint) < 420 else COLOURS["black"]
