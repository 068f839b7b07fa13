import keras
import pytest

from autodetect.classifier.finetune.blocks import depths, layers_from
from tests.classifier.finetune.tiny import backbone


@pytest.fixture(scope="module")
def inception():
    return keras.applications.InceptionV3(include_top=False, weights=None, pooling="avg", input_shape=(96, 96, 3))


def test_mixed5_begins_right_after_mixed4(inception):
    names = [layer.name for layer in inception.layers]
    trained = layers_from(inception, "mixed5")
    assert trained == set(names[names.index("mixed4") + 1 :])
    assert names[158] in trained  # where the first AutoDetect cut the network


def test_a_network_that_was_built_into_another_is_cut_in_the_same_place(inception):
    before = layers_from(inception, "mixed5")
    keras.layers.Dense(2)(inception(keras.Input((96, 96, 3))))
    assert layers_from(inception, "mixed5") == before


def test_blocks_of_inception_are_counted_from_the_top(inception):
    depth = depths(inception)
    assert [depth[f"mixed{block}"] for block in range(11)] == list(range(10, -1, -1))
    assert depth[inception.layers[1].name] == depth["mixed0"]  # the stem goes with the lowest block
    assert depth["mixed9_0"] == depth["mixed9"] == 1  # a join inside a block ends none


def test_a_block_holds_its_branches_and_all_above_it():
    model = backbone()
    above = {"narrow1", "wide1", "mixed1", "norm1", "relu1", "pool"}
    assert layers_from(model, "mixed1") == above
    assert layers_from(model, "mixed0") == {"narrow0", "wide0", "mixed0", "norm0", "relu0"} | above
    assert layers_from(model, "wide1") == above  # a branch begins where its block does
    assert layers_from(model, "") == {layer.name for layer in model.layers}
    depth = depths(model)
    assert [depth[name] for name in ("stem", "wide0", "norm0", "mixed1", "norm1", "pool")] == [2, 2, 1, 1, 0, 0]


def test_in_a_chain_each_layer_is_a_block():
    chain = keras.Sequential([keras.Input((4,)), *(keras.layers.Dense(4, name=f"dense{i}") for i in range(3))])
    assert layers_from(chain, "dense1") == {"dense1", "dense2"}
    assert layers_from(chain, "dense0") == {"dense0", "dense1", "dense2"}
    assert set(depths(chain).values()) == {0}


def test_a_layer_that_is_not_there_is_told():
    with pytest.raises(ValueError, match=r"tiny has no layer 'mixed9'; among its layers are .*mixed1"):
        layers_from(backbone(), "mixed9")


def test_a_layer_that_stands_twice_is_told():
    first = keras.Input((4,))
    twice = keras.layers.Dense(4, name="twice")
    with pytest.raises(ValueError, match="each stands once"):
        layers_from(keras.Model(first, twice(twice(first))), "twice")
