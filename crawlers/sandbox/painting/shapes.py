"""The bodies that the generated marketplace draws: each told from the others by its silhouette and its face.

Lengths are metres and roughly those of the real cars; only what a passer-by would notice is there. `read_shapes` reads
this notation: `body` holds numbers by name; `outline` runs from the nose's lower edge over the roof to the tail's lower
edge as x,y knots, each word naming the panel that begins there; `front`, `rear` and `side` list what is painted on, as
kind, centre, half extents and colour (on nose and tail, whatever sits off the middle is painted on both halves).
"""

from crawlers.sandbox.painting.body import BodyShape, Decal

_MODELS = """
[mustang]
body: length 4.78 width 1.92 axles 0.92 3.64 wheel 0.35 belt 0.96 1.02 glass 1.85 3.8 pillars 3.1 doors 1.75 3.05
    rounding 2 tumblehome 0.24 taper 0.16
outline: nose 0.15,0.2 0,0.42 hood 0.02,0.8 0.3,0.9 windshield 1.62,1 roof 2.35,1.36 backlight 2.95,1.38
    deck 4.4,1.07 tail 4.72,1.06 4.78,0.7 4.62,0.24
front: box 0,0.66 0.62,0.12 black; box 0.78,0.7 0.14,0.06 lamp; oval 0,0.67 0.1,0.05 chrome;
    oval 0.42,0.66 0.09,0.07 lamp; box 0,0.38 0.7,0.06 dark
rear: box 0,0.86 0.92,0.12 dark; box 0.46,0.86 0.07,0.11 red; box 0.64,0.86 0.07,0.11 red;
    box 0.82,0.86 0.07,0.11 red; box 0,0.5 0.17,0.07 plate
side: box 3.3,0.72 0.1,0.06 shade
extras: spoiler stripes

[tt]
body: length 4.19 width 1.84 axles 0.85 3.31 wheel 0.34 belt 0.94 1 glass 1.3 3.3 pillars 2.55 doors 1.35 2.6
    rounding 3 tumblehome 0.3 taper 0.26
outline: nose 0.15,0.2 0,0.4 hood 0.02,0.72 0.5,0.92 windshield 1.2,0.98 roof 1.75,1.36 backlight 2.6,1.4 deck 3.6,1
    tail 4.1,0.92 4.19,0.55 4.02,0.22
front: box 0,0.52 0.36,0.22 dark; box 0,0.4 0.34,0.02 chrome; box 0,0.5 0.34,0.02 chrome;
    box 0,0.6 0.34,0.02 chrome; oval 0.7,0.66 0.2,0.1 lamp; box 0.72,0.36 0.2,0.07 black
rear: oval 0.68,0.76 0.22,0.09 red; box 0,0.5 0.17,0.07 plate; oval 0.3,0.27 0.08,0.04 chrome
side: oval 3.75,0.88 0.09,0.09 chrome

[beetle]
body: length 4.1 width 1.73 axles 0.78 3.29 wheel 0.33 belt 0.98 1 glass 1.25 3.25 pillars 2.45 doors 1.35 2.5
    rounding 3 tumblehome 0.36 taper 0.34
outline: nose 0.12,0.22 0,0.4 0.05,0.74 hood 0.4,1 0.8,1.06 windshield 1.15,1.02 roof 1.55,1.52 backlight 2.5,1.56
    deck 3.4,1.12 tail 3.95,0.94 4.1,0.5 3.98,0.24
front: oval 0.68,0.72 0.24,0.16 chrome; oval 0.68,0.72 0.2,0.13 lamp; oval 0,0.8 0.09,0.07 chrome;
    box 0,0.36 0.6,0.06 black; oval 0.74,0.4 0.08,0.05 amber
rear: oval 0.68,0.72 0.17,0.13 red; oval 0.68,0.72 0.07,0.05 lamp; box 0,0.5 0.17,0.07 plate
extras: fenders

[wrangler]
body: length 4.1 width 1.87 axles 0.7 3.12 wheel 0.42 belt 1.18 1.18 glass 1.72 3.85 pillars 2.6 3 doors 1.6 2.75
    rounding 0 tumblehome 0.08 taper 0.05
outline: nose 0.1,0.5 0.1,0.6 hood 0.05,1.1 windshield 1.5,1.18 roof 1.82,1.8 tail 3.9,1.83 3.98,1.15 3.98,0.5
front: box 0,0.88 0.036,0.16 black; box 0.12,0.88 0.036,0.16 black; box 0.24,0.88 0.036,0.16 black;
    box 0.36,0.88 0.036,0.16 black; oval 0.62,0.9 0.15,0.13 chrome; oval 0.62,0.9 0.12,0.1 lamp;
    box 0,0.6 1,0.09 black; oval 0.5,0.62 0.08,0.06 lamp
rear: box 0.86,0.9 0.09,0.14 red; box 0,0.57 1,0.07 black; box 0,1.5 0.72,0.2 glass
extras: spare flares rack_lights

[f150]
body: length 5.9 width 2.03 axles 0.98 4.66 wheel 0.41 belt 1.22 1.22 glass 1.72 3.85 pillars 2.75 doors 1.7 2.8
    3.85 rounding 1 tumblehome 0.14 taper 0.08
outline: nose 0.1,0.42 0.02,0.6 hood 0.02,1.12 windshield 1.55,1.22 roof 2.2,1.88 backlight 3.75,1.92 bed 3.98,1.3
    4,1.26 tail 5.85,1.26 5.9,0.7 5.8,0.45
front: box 0,0.88 0.62,0.2 chrome; box 0,0.78 0.56,0.02 black; box 0,0.9 0.56,0.02 black; box 0,1 0.56,0.02 black;
    oval 0,0.9 0.13,0.06 blue; box 0.8,0.92 0.16,0.17 lamp; box 0,0.56 0.98,0.09 chrome
rear: box 0.9,1 0.09,0.22 red; box 0,0.58 0.98,0.08 chrome; oval 0,1 0.13,0.06 blue; box 0,0.5 0.17,0.07 plate
side: box 5,1.1 0.8,0.015 shade
extras: bed

[prius]
body: length 4.48 width 1.75 axles 0.9 3.6 wheel 0.31 belt 0.98 1.1 glass 1.1 3.85 pillars 1.5 2.4 3.3 doors 1.5
    2.45 3.3 rounding 2 tumblehome 0.24 taper 0.2
outline: nose 0.12,0.2 0,0.4 0.08,0.7 hood 0.3,0.82 windshield 0.95,1 roof 2.1,1.48 backlight 2.7,1.5 4.1,1.22
    tail 4.25,1.18 4.48,0.6 4.38,0.26
front: box 0.7,0.7 0.2,0.1 lamp; oval 0,0.68 0.12,0.06 blue; box 0,0.42 0.42,0.08 black; box 0.74,0.4 0.12,0.05 dark
rear: box 0.84,0.86 0.11,0.24 red; box 0,0.98 0.66,0.11 glass; box 0,1.12 0.72,0.03 dark; box 0,0.5 0.17,0.07 plate

[mini]
body: length 3.65 width 1.72 axles 0.6 3.1 wheel 0.33 belt 0.94 0.98 glass 1.08 3.5 pillars 2.2 doors 1.1 2.25
    rounding 1 tumblehome 0.14 taper 0.14
outline: nose 0.12,0.22 0,0.42 hood 0.04,0.78 0.3,0.9 windshield 1,0.97 roof 1.55,1.4 tail 3.3,1.42 3.6,0.95
    3.65,0.5 3.58,0.26
front: oval 0.64,0.76 0.26,0.17 chrome; oval 0.64,0.76 0.22,0.14 lamp; box 0,0.62 0.36,0.1 chrome;
    box 0,0.62 0.31,0.075 black; box 0,0.34 0.72,0.06 black
rear: box 0.82,0.74 0.1,0.15 chrome; box 0.82,0.74 0.075,0.12 red; box 0,1.17 0.72,0.14 glass;
    box 0,0.5 0.17,0.07 plate
extras: two_tone stripes cladding

[corvette]
body: length 4.5 width 1.88 axles 0.9 3.6 wheel 0.35 belt 0.88 0.96 glass 1.9 3.35 pillars 2.85 doors 1.75 2.9
    rounding 2 tumblehome 0.34 taper 0.3
outline: nose 0.2,0.15 0,0.36 0.1,0.52 hood 0.3,0.64 1,0.84 windshield 1.75,0.9 roof 2.4,1.22 backlight 2.8,1.24
    deck 3.9,0.98 tail 4.42,0.98 4.5,0.6 4.35,0.2
front: box 0,0.32 0.5,0.07 black; box 0.74,0.5 0.2,0.05 lamp; oval 0,0.5 0.07,0.03 chrome;
    oval 0.7,0.3 0.1,0.05 amber
rear: oval 0.46,0.8 0.13,0.09 red; oval 0.78,0.8 0.13,0.09 red; box 0,0.36 0.36,0.1 black;
    oval 0.09,0.3 0.06,0.05 chrome; oval 0.24,0.3 0.06,0.05 chrome; box 0,0.52 0.17,0.06 plate
side: box 1.55,0.6 0.22,0.07 black
extras: hood_bulge

[odyssey]
body: length 5.15 width 1.99 axles 0.98 3.98 wheel 0.35 belt 1.08 1.14 glass 1.2 4.95 pillars 1.65 2.55 3.75 doors
    1.5 2.6 3.8 rounding 2 tumblehome 0.18 taper 0.14
outline: nose 0.12,0.22 0,0.45 hood 0.05,0.85 0.35,1 windshield 1.1,1.15 roof 2.1,1.72 4.6,1.74 tail 4.85,1.68
    5.1,1.1 5.15,0.6 5.05,0.26
front: box 0,0.76 0.46,0.09 chrome; box 0,0.74 0.38,0.05 black; box 0.76,0.8 0.2,0.09 lamp; box 0,0.42 0.6,0.1 dark
rear: box 0.88,0.98 0.1,0.2 red; box 0,1.36 0.76,0.2 glass; box 0,0.92 0.5,0.03 chrome; box 0,0.5 0.17,0.07 plate
side: box 4.3,1.06 0.7,0.018 shade
extras: rails

[g_class]
body: length 4.6 width 1.86 axles 0.85 3.7 wheel 0.4 belt 1.2 1.2 glass 1.5 4.35 pillars 2.35 3.2 doors 1.45 2.4
    3.25 rounding 0 tumblehome 0.07 taper 0.03
outline: nose 0.05,0.42 0.02,0.55 hood 0.02,1.12 windshield 1.3,1.18 roof 1.65,1.88 tail 4.42,1.93 4.5,1.2 4.5,0.45
front: box 0,0.92 0.42,0.15 black; box 0,0.84 0.4,0.02 chrome; box 0,0.92 0.4,0.02 chrome; box 0,1 0.4,0.02 chrome;
    oval 0,0.92 0.13,0.11 chrome; oval 0.7,0.94 0.17,0.14 chrome; oval 0.7,0.94 0.14,0.115 lamp;
    box 0,0.58 0.98,0.1 body_dark; box 0.8,1.16 0.09,0.035 amber
rear: box 0.84,0.72 0.12,0.09 red; box 0,1.55 0.74,0.2 glass; box 0,0.55 0.95,0.06 black
side: box 2.3,0.84 1,0.03 black; box 2.3,0.45 0.85,0.03 chrome
extras: spare flares

[p911]
body: length 4.45 width 1.83 axles 0.98 3.38 wheel 0.34 belt 0.9 0.98 glass 1.45 3.35 pillars 2.5 doors 1.45 2.55
    rounding 3 tumblehome 0.32 taper 0.26
outline: nose 0.18,0.18 0,0.36 0.05,0.56 hood 0.2,0.76 0.75,0.8 windshield 1.35,0.88 roof 1.95,1.28
    backlight 2.45,1.32 deck 3.5,1.06 tail 4.25,0.82 4.45,0.5 4.3,0.22
front: oval 0.7,0.66 0.19,0.13 chrome; oval 0.7,0.66 0.16,0.11 lamp; box 0.62,0.34 0.26,0.05 black;
    box 0,0.34 0.28,0.05 dark
rear: box 0,0.7 0.9,0.045 red; box 0.78,0.7 0.16,0.07 red; box 0,0.5 0.17,0.07 plate;
    oval 0.55,0.26 0.13,0.05 chrome
extras: engine_lid whale_tail

[xc90]
body: length 4.95 width 1.96 axles 0.95 3.93 wheel 0.39 belt 1.12 1.2 glass 1.5 4.75 pillars 2.6 3.65 doors 1.55
    2.65 3.6 rounding 1 tumblehome 0.18 taper 0.14
outline: nose 0.12,0.3 0,0.5 hood 0.02,0.95 0.25,1.06 windshield 1.4,1.16 roof 2.2,1.72 tail 4.35,1.75 4.8,1.25
    4.95,0.7 4.85,0.34
front: box 0,0.8 0.36,0.15 chrome; box 0,0.8 0.32,0.125 dark; box 0,0.8 0.3,0.02 chrome;
    box 0.7,0.86 0.22,0.08 lamp; box 0.72,0.44 0.16,0.05 black; box 0,0.42 0.4,0.06 black
rear: box 0.86,1.2 0.08,0.4 red; box 0,1.42 0.68,0.16 glass; box 0,0.45 0.9,0.08 dark; box 0,0.5 0.17,0.07 plate
side: box 2.45,0.42 0.95,0.07 black
extras: rails cladding

[challenger]
body: length 5.02 width 1.92 axles 0.95 3.9 wheel 0.37 belt 1.05 1.1 glass 2.15 3.9 pillars 3.2 doors 1.95 3.25
    rounding 1 tumblehome 0.2 taper 0.08
outline: nose 0.15,0.22 0.02,0.42 hood 0.02,0.92 windshield 2,1.06 roof 2.65,1.46 backlight 3.5,1.48
    deck 4,1.18 tail 4.95,1.12 5.02,0.7 4.88,0.26
front: box 0,0.74 0.94,0.11 black; oval 0.56,0.74 0.1,0.085 lamp; oval 0.8,0.74 0.1,0.085 lamp;
    box 0,0.36 0.55,0.08 dark
rear: box 0,0.88 0.96,0.11 black; box 0.6,0.88 0.32,0.08 red; box 0,0.5 0.17,0.07 plate
side: box 1.3,0.88 0.15,0.025 amber
extras: side_stripe spoiler hood_bulge

[fiat500]
body: length 3.55 width 1.63 axles 0.62 2.92 wheel 0.29 belt 0.98 1.02 glass 0.95 3.2 pillars 2.15 doors 1 2.2
    rounding 2 tumblehome 0.26 taper 0.3
outline: nose 0.1,0.22 0,0.45 0.05,0.85 hood 0.25,0.98 windshield 0.75,1.06 roof 1.35,1.48 backlight 2.5,1.5
    tail 3.2,1.1 3.52,0.8 3.55,0.5 3.45,0.26
front: oval 0.66,0.82 0.19,0.12 lamp; oval 0.66,0.56 0.12,0.07 lamp; oval 0,0.76 0.1,0.06 red;
    box 0.3,0.76 0.18,0.015 chrome; box 0,0.38 0.6,0.06 black
rear: box 0.78,0.85 0.12,0.15 red; box 0,1 0.3,0.03 chrome; box 0,0.5 0.17,0.07 plate
extras: two_tone
"""

# What sellers list as 'Other': bodies that no model above has.
_OTHERS = """
[fifties]
body: length 5.5 width 2 axles 1 4.1 wheel 0.37 belt 1.08 1.08 glass 1.95 3.9 pillars 2.9 doors 1.8 2.95 rounding 2
    tumblehome 0.2 taper 0.1
outline: nose 0.12,0.3 0,0.5 hood 0,0.95 windshield 1.75,1.08 roof 2.15,1.55 backlight 3.5,1.58 deck 4.1,1.1
    4.7,1.08 tail 5.45,1.28 5.5,0.6 5.35,0.36
front: box 0,0.68 0.8,0.1 chrome; box 0,0.68 0.0525,0.08 dark; box 0.175,0.68 0.0525,0.08 dark;
    box 0.35,0.68 0.0525,0.08 dark; box 0.525,0.68 0.0525,0.08 dark; box 0.7,0.68 0.0525,0.08 dark;
    oval 0.78,0.86 0.14,0.1 lamp; box 0,0.46 1,0.07 chrome
rear: oval 0.88,1.1 0.07,0.1 red; box 0,0.5 1,0.07 chrome
side: box 3.3,0.8 1.6,0.05 white
extras: two_tone

[van]
body: length 5.6 width 2 axles 0.95 4.3 wheel 0.36 belt 1.4 1.4 glass 0.9 1.9 doors 0.85 1.95 3.4 rounding 1
    tumblehome 0.08 taper 0.06
outline: nose 0.1,0.3 0,0.5 hood 0.05,1.05 windshield 0.7,1.35 roof 1.5,2.3 tail 5.45,2.4 5.6,1.2 5.55,0.32
front: box 0,0.8 0.4,0.1 black; box 0.75,0.9 0.18,0.12 lamp; box 0,0.42 1,0.1 dark
rear: box 0.9,1 0.07,0.2 red; box 0.4,1.75 0.3,0.25 glass; box 0,0.5 0.17,0.07 plate

[hot_rod]
body: length 3.6 width 1.65 axles 0.5 2.95 wheel 0.36 belt 1 1 glass 1.75 2.6 doors 1.7 2.6 rounding 1 tumblehome
    0.12 taper 0.4
outline: nose 0.35,0.3 0.3,0.4 hood 0.32,0.95 windshield 1.6,1.05 roof 1.75,1.42 backlight 2.65,1.45 deck 2.8,1
    tail 3.4,0.85 3.55,0.5 3.5,0.34
front: box 0,0.68 0.075,0.2 chrome; box 0.25,0.68 0.075,0.2 chrome; box 0.5,0.68 0.075,0.2 chrome;
    oval 0.95,0.7 0.2,0.12 lamp
rear: oval 0.6,0.6 0.1,0.08 red
extras: fenders
"""


def _pair(text: str) -> tuple[float, float]:
    """Two numbers joined by a comma."""
    first, second = text.split(",")
    return float(first), float(second)


def _decals(text: str, *, mirrored: bool) -> tuple[Decal, ...]:
    """What is painted on one face of the body."""
    decals = []
    for item in filter(None, text.split(";")):
        kind, at, size, colour = item.split()
        decals.append(Decal(kind, _pair(at), _pair(size), colour, both=mirrored and _pair(at)[0] != 0))
    return tuple(decals)


def _outline(text: str) -> tuple[tuple[float, float, str], ...]:
    """Knots with the panel that begins at each."""
    knots, part = [], ""
    for word in text.split():
        if word.isalpha():
            part = word
        else:
            knots.append((*_pair(word), part))
    return tuple(knots)


def _numbers(text: str) -> dict[str, tuple[float, ...]]:
    """Numbers under the name that precedes them."""
    numbers: dict[str, tuple[float, ...]] = {}
    name = ""
    for word in text.split():
        if word.isalpha():
            name = word
        else:
            numbers[name] = (*numbers.get(name, ()), float(word))
    return numbers


def _shape(fields: dict[str, str]) -> BodyShape:
    body = _numbers(fields["body"])
    return BodyShape(
        length=body["length"][0],
        width=body["width"][0],
        outline=_outline(fields["outline"]),
        axles=(body["axles"][0], body["axles"][1]),
        wheel=body["wheel"][0],
        belt=(body["belt"][0], body["belt"][1]),
        glass=(body["glass"][0], body["glass"][1]),
        pillars=body.get("pillars", ()),
        doors=body.get("doors", ()),
        rounding=int(body["rounding"][0]),
        tumblehome=body["tumblehome"][0],
        taper=body["taper"][0],
        front=_decals(fields.get("front", ""), mirrored=True),
        rear=_decals(fields.get("rear", ""), mirrored=True),
        side=_decals(fields.get("side", ""), mirrored=False),
        extras=tuple(fields.get("extras", "").split()),
    )


def read_shapes(text: str) -> dict[str, BodyShape]:
    """Read bodies from the notation above: a `[name]` line, then `field: value` lines that may continue indented."""
    shapes: dict[str, BodyShape] = {}
    for block in filter(None, text.strip().split("\n\n")):
        name, *lines = block.strip().splitlines()
        fields: dict[str, str] = {}
        field = ""
        for line in lines:
            if line.startswith(" "):
                fields[field] += line
            else:
                field, _, fields[field] = line.partition(":")
        shapes[name.strip("[]")] = _shape(fields)
    return shapes


SHAPES = read_shapes(_MODELS)
OTHER_SHAPES = read_shapes(_OTHERS)
