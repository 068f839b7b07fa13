"""Where a network can be cut, read off its graph: any Keras model that is a graph of layers, by layer name.

A block ends in a layer and begins after the nearest layer that every path to its end runs through (its immediate
dominator). InceptionV3's `mixed5` so holds its four branches and begins after `mixed4`; in a plain chain of layers,
each layer is a block.
"""

import keras


def layers_from(model: keras.Model, name: str) -> frozenset[str]:
    """Return the names of the layers from the block that ends in `name` up to the output; all for an empty name.

    Raises:
        ValueError: the model has no such layer, or its layers form no graph.
    """
    graph = _inputs_of(model)
    if not name:
        return frozenset(graph)
    if name not in graph:
        raise ValueError(f"{model.name} has no layer {name!r}; among its layers are {', '.join(list(graph)[-5:])}")
    dominators = _dominators(graph)
    before = sorted(dominators[name] - {name}, key=lambda layer: len(dominators[layer]))
    return frozenset(graph) - (_below(graph, before[-1]) if before else set())


def depths(model: keras.Model) -> dict[str, int]:
    """Return how many blocks below the topmost block with weights each layer lies: 0, 1, 2, ...

    Blocks here end in layers that join branches and that every path to the output runs through (`mixed0` to `mixed10`);
    what lies above the last one counts as the topmost block if it has weights.

    Raises:
        ValueError: the model's layers form no graph.
    """
    graph = _inputs_of(model)
    on_the_way = _dominators(graph)[model.layers[-1].name]
    joins = [layer.name for layer in model.layers if layer.name in on_the_way and len(graph[layer.name]) > 1]
    found: dict[str, int] = {}
    for index, join in enumerate(joins):
        for name in _below(graph, join):
            found.setdefault(name, len(joins) - index)
    found = {name: found.get(name, 0) for name in graph}
    top = min((found[layer.name] for layer in model.layers if layer.weights), default=0)
    return {name: max(depth - top, 0) for name, depth in found.items()}


def _inputs_of(model: keras.Model) -> dict[str, list[str]]:
    """Return the layers in the model's order, which is topological, each with the layers it reads."""
    given = {id(tensor) for tensor in keras.tree.flatten(model.inputs)}
    made_by: dict[int, str] = {}
    graph: dict[str, list[str]] = {}
    try:
        for layer in model.layers:
            read = [id(tensor) for tensor in keras.tree.flatten(layer.input)]
            graph[layer.name] = [made_by[tensor] for tensor in read if tensor in made_by or tensor not in given]
            made_by |= {id(tensor): layer.name for tensor in keras.tree.flatten(layer.output)}
        _ = [made_by[id(tensor)] for tensor in keras.tree.flatten(model.outputs)]
    except (AttributeError, ValueError, KeyError) as error:
        raise ValueError(f"the layers of {model.name} form no graph in which each stands once") from error
    return graph


def _dominators(graph: dict[str, list[str]]) -> dict[str, frozenset[str]]:
    """Return for each layer those that every path to it runs through, itself included."""
    found: dict[str, frozenset[str]] = {}
    for name, read in graph.items():
        shared = frozenset.intersection(*(found[other] for other in read)) if read else frozenset()
        found[name] = shared | {name}
    return found


def _below(graph: dict[str, list[str]], name: str) -> set[str]:
    """Return the layer and all that it depends on."""
    found, open_ends = {name}, [name]
    while open_ends:
        fresh = [other for other in graph[open_ends.pop()] if other not in found]
        found.update(fresh)
        open_ends.extend(fresh)
    return found
