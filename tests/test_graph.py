"""The walk of Keras's graph: which calls a model has, in which order, and what a nested one is given."""

import subprocess
import sys

import pytest

from course_lib import architectures, graph
from course_lib.backend import keras

layers, ops = keras.layers, keras.ops


def names(walked):
    return ["/".join((*step.path, step.operation.name)) for step in walked]


def two_branches():
    """Build a model with a shared layer, two branches that meet, an operation and a second output."""
    x = keras.Input((4,), name="x")
    shared = layers.Dense(4, name="shared")
    left = layers.ReLU(name="left")(shared(x))
    right = layers.Dense(4, name="right")(shared(left))
    both = layers.Add(name="both")([left, right])
    return keras.Model(x, [both, layers.Softmax(name="end")(ops.negative(x))])


def test_calls_come_branch_after_branch_each_after_those_it_reads_and_shared_ones_once_a_call():
    *walked, negative, end = graph.steps(two_branches())
    assert names(walked) == ["shared", "left", "shared", "right", "both"]
    assert type(negative.operation).__name__ == "Negative"
    assert end.operation.name == "end"


def test_a_call_has_the_tensors_that_it_reads_and_writes():
    model = two_branches()
    walked = {step.operation.name: step for step in graph.steps(model)}
    assert walked["both"].outputs[0] is model.outputs[0]
    assert [graph.source(x).name for x in walked["both"].inputs] == ["left", "right"]
    assert [graph.source(x).name for x in walked["left"].inputs] == ["shared"]


def test_a_call_is_made_again_with_other_values_in_the_place_of_its_tensors():
    x = keras.Input((4,))
    model = keras.Model(x, layers.Dropout(0.5)(x, training=True))
    (step,) = graph.steps(model)
    assert step.arguments({id(model.inputs[0]): "other"}) == (("other",), {"training": True})


def test_a_model_inside_is_one_call_or_its_calls_with_the_path_to_them():
    inmost = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="deep")], name="inmost")
    x = keras.Input((4,))
    inside = keras.Model(x, layers.ReLU(name="relu")(inmost(x)), name="inside")
    model = keras.Sequential([keras.Input((4,)), inside, layers.Dense(2, name="last")])
    assert names(graph.steps(model)) == ["inside", "last"]
    assert names(graph.steps(model, nested=True)) == ["inside/inmost/deep", "inside/relu", "last"]
    assert names(graph.steps(inside, path=("a", "b"))) == ["a/b/inmost", "a/b/relu"]


def test_the_calls_of_other_models_that_share_a_layer_are_not_walked():
    shared, x = layers.Dense(4, name="shared"), keras.Input((4,))
    keras.Model(x, shared(x))
    model = keras.Model(x, shared(layers.ReLU(name="relu")(x)))
    assert names(graph.steps(model)) == ["relu", "shared"]
    assert names(graph.steps_by_depth(model))[1:] == ["relu", "shared"]


def test_by_depth_all_branches_go_forward_together_from_the_inputs():
    x, y = keras.Input((4,), name="x"), keras.Input((4,), name="y")
    left = layers.Dense(4, name="left2")(layers.Dense(4, name="left1")(x))
    right = layers.Dense(4, name="right2")(layers.Dense(4, name="right1")(y))
    walked = graph.steps_by_depth(keras.Model([x, y], layers.Add(name="sum")([left, right])))
    levels = [sorted(names(walked)[place : place + 2]) for place in (0, 2, 4, 6)]
    assert levels == [["x", "y"], ["left1", "right1"], ["left2", "right2"], ["sum"]]
    assert [len(step.inputs) for step in walked] == [0, 0, 1, 1, 1, 1, 2]


def test_a_sequential_model_has_the_calls_of_its_graph():
    model = keras.Sequential([keras.Input((4,), name="x"), layers.ReLU(name="relu")])
    assert names(graph.steps(model)) == ["relu"]
    assert names(graph.steps_by_depth(model)) == ["x", "relu"]


@pytest.mark.parametrize("model", [keras.Sequential([layers.Dense(2)]), keras.Model(), layers.Dense(2)])
def test_without_a_graph_there_are_no_calls_by_depth(model):
    with pytest.raises(ValueError, match=r"must be a built functional or sequential model\. Received: <"):
        graph.steps_by_depth(model)


def test_a_visitor_is_called_at_each_tensor_and_may_end_the_walk():
    looked = []

    def visit():
        looked.append(1)
        if len(looked) > 3:
            raise TypeError("too large")

    with pytest.raises(TypeError, match="too large"):
        list(graph.steps(two_branches(), visit=visit))
    assert len(looked) == 4


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (keras.Sequential(), True),
        (keras.Model(), False),
        (layers.Dense(1), False),
        (keras.Sequential, False),
        (None, False),
    ],
)
def test_only_functional_and_sequential_models_have_a_graph(value, expected):
    assert graph.is_model(value) is expected
    assert graph.is_model(two_branches())


def test_without_keras_there_is_no_model_and_nothing_is_imported():
    code = (
        "import sys; from course_lib import graph;"
        "print(graph.is_model(3), {'keras', 'numpy'} & set(sys.modules))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == "False set()\n"


# What a nested model is given


def inside(structure):
    """Build a model of the inputs a and b, given as `structure(a, b)`."""
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    return keras.Model(structure(a, b), layers.Concatenate()([a, b]), name="inside")


def as_list(a, b):
    return [a, b]


def turned(a, b):
    return [b, a]


def as_dict(a, b):
    return {"b": b, "a": a}


def as_tuple(a, b):
    return a, b


@pytest.mark.parametrize(
    ("structure", "given"),
    [
        *((structure, given) for structure in (as_list, turned) for given in (as_tuple, turned, as_dict)),
        (as_dict, as_dict),  # Keras refuses a list in its place
    ],
)
def test_a_nested_model_is_given_what_keras_gives_it(structure, given):
    model, (x, y) = inside(structure), (keras.Input((3,), name="x"), keras.Input((3,), name="y"))
    values = graph.given_inputs(model, (given(0.0, 1.0),), {})
    matched = {tensor.name: value for tensor, value in zip(model.inputs, values, strict=True)}
    computed = keras.Model([x, y], model(given(x, y)))([ops.zeros((1, 3)), ops.ones((1, 3))])
    assert computed.numpy().tolist() == [[matched["a"]] * 3 + [matched["b"]] * 3]


def test_a_key_that_no_input_has_goes_nowhere_as_in_keras():
    assert graph.given_inputs(inside(turned), ({"c": 2, "a": 0, "b": 1},), {}) == [1, 0]


def test_a_single_input_is_given_itself_a_list_of_it_or_its_name():
    x = keras.Input((3,), name="x")
    model = keras.Model(x, layers.ReLU()(x))
    for given in (5, [5], {"x": 5}, {"x": 5, "y": 6}):
        assert graph.given_inputs(model, (given,), {"mask": 7}) == [5]
        assert graph.given_inputs(model, (), {"inputs": given}) == [5]


@pytest.mark.parametrize(
    ("structure", "given", "received"),
    [
        (as_list, {"a": 0, "x": 1}, "a, x"),
        (as_list, [0, 1, 2], "3 values"),
        (as_dict, [0, 1], "2 values"),  # the keys of as_dict are not sorted
        (as_list, [0, None], "2 values"),
        (as_dict, {"a": 0, "b": 1, "c": 2}, "a, b, c"),
        (as_dict, {"a": 0, "c": 2}, "a, c"),
    ],
)
def test_a_call_that_does_not_match_the_inputs_is_refused_in_words(structure, given, received):
    model = inside(structure)
    with pytest.raises(ValueError, match="A model inside must be called with its own inputs") as refusal:
        graph.given_inputs(model, (given,), {})
    assert str(refusal.value).endswith(f"Received: inside with {received}")


@pytest.mark.parametrize(
    ("build", "layers_alone", "with_pools"),
    [
        ("alexnet", 8, 11),
        ("vgg19", 19, 24),
        ("googlenet", 22, 27),  # the paper's 27 with pools (section 5)
        ("resnet34", 34, 36),
        ("resnet50", 50, 52),
    ],
)
def test_the_depth_is_the_papers_and_shortcuts_and_branches_do_not_count(build, layers_alone, with_pools):
    model = getattr(architectures, build)(width=1 / 16)
    assert graph.depth(model) == layers_alone
    assert graph.depth(model, pools=True) == with_pools


def test_a_model_inside_counts_as_its_longest_path_and_a_shared_layer_once_a_call():
    shared = layers.Dense(4)
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4), layers.ReLU(), layers.Dense(4)])
    x = keras.Input((4,))
    assert graph.depth(keras.Model(x, layers.Add()([shared(inner(shared(x))), shared(x)]))) == 4
    assert graph.depth(keras.Model(x, layers.ReLU()(x))) == 0
