"""A Keras model becomes rows of plain data, whatever it does; the LeNet-5 of most tutorials is judged so."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from course_lib import grading
from course_lib.architectures import cifar_resnet, lenet5, lenet5_modern, squeezenet1_1
from course_lib.backend import keras
from course_lib.grading import answer, check
from course_lib.grading.answer import attempt
from course_lib.grading.judge import judge
from course_lib.grading.questions.lenet5 import tutorial_lenet5
from course_lib.ledger import ledger

L = keras.layers
QUESTION = grading.all_questions()["tutorial_lenet5"]


def rows(model):
    return attempt(lambda: model, []).get("value")


def network(
    size,
    classes,
    *,
    channels=1,
    paddings=("valid", "valid"),
    poolings=(L.AveragePooling2D, L.AveragePooling2D),
    between=(),
    head=(),
    units=(120, 84, None),
    kernel=5,
    bias=True,
    dense_bias=True,
):
    """Build the network of the exercise in Keras, or one with a learner's mistake.

    A pooling may be None, for none; None among the units stands for the classes.
    """
    return keras.Sequential(
        [
            keras.Input((size, size, channels)),
            L.Conv2D(6, kernel, padding=paddings[0], activation="tanh", use_bias=bias),
            *(pooling(2) for pooling in poolings[:1] if pooling),
            L.Conv2D(16, kernel, padding=paddings[1], use_bias=bias),
            *(layer() for layer in between),
            *(pooling(2) for pooling in poolings[1:] if pooling),
            *(layer() for layer in head),
            *(L.Dense(count or classes, use_bias=dense_bias) for count in units),
            L.Softmax(),
        ]
    )


def right(size, classes, **departures):
    return network(size, classes, **{"head": [L.Flatten], **departures})


def padded_pooling(window):
    return L.AveragePooling2D(window, padding="same")


def overlapping_pooling(window):
    return L.AveragePooling2D(window, strides=1)


def with_c5(size, classes):
    model = keras.Sequential(right(size, classes).layers[:4])
    for layer in (L.Conv2D(120, 5), L.Flatten(), L.Dense(84), L.Dense(classes)):
        model.add(layer)
    return keras.Sequential([keras.Input((size, size, 1)), *model.layers])


MISTAKES = {
    "The first convolution is padded": lambda *case: right(*case, paddings=("same", "valid")),
    "The convolutions are padded": lambda *case: right(*case, paddings=("same", "same")),
    "The pooling takes the maximum": lambda *case: right(*case, poolings=[L.MaxPooling2D] * 2),
    "The maps are not flattened": network,
    "Global pooling keeps a single number": lambda *case: network(*case, head=[L.GlobalAveragePooling2D]),
    "The kernels are 3x3": lambda *case: right(*case, kernel=3),
    "The biases are missing": lambda *case: right(*case, bias=False, dense_bias=False),
    "The convolutions have no biases": lambda *case: right(*case, bias=False),
    "The third convolution is the paper's C5": with_c5,
    "The pooling is missing": lambda *case: right(*case, poolings=(None, None)),
    "The second pooling is missing": lambda *case: right(*case, poolings=(L.AveragePooling2D, None)),
    "The pooling is padded": lambda *case: right(*case, poolings=[padded_pooling] * 2),
    "The pooling has a stride of 1": lambda *case: right(*case, poolings=[overlapping_pooling] * 2),
    "The dense layers are exchanged": lambda *case: right(*case, units=(84, 120, None)),
    "The dense layer of 120 units is missing": lambda *case: right(*case, units=(84, None)),
    "The dense layer of 84 units is missing": lambda *case: right(*case, units=(120, None)),
    "The last layer is missing": lambda *case: right(*case, units=(120, 84)),
    "The last layer always has 10 units": lambda *case: right(*case, units=(120, 84, 10)),
    "The pictures have three colours": lambda *case: right(*case, channels=3),
}
RIGHT_IN_SOME = ("The pooling is padded", "The last layer always has 10 units")  # of the cases


# The exercise


def test_the_rows_by_hand_are_those_that_keras_builds():
    for case in QUESTION.cases(drawn=4):
        assert rows(right(*case)) == tutorial_lenet5(*case)


def test_at_32_it_has_the_parameters_of_the_library_s_modern_lenet5():
    total = sum(parameters for *_, parameters in tutorial_lenet5(32, 10))
    assert total == ledger(lenet5_modern()).parameters == 61_706


def test_layers_that_change_neither_shape_nor_weights_have_no_row():
    model = right(32, 10, between=[lambda: L.Dropout(0.5), L.ReLU])
    assert rows(model) == tutorial_lenet5(32, 10)


def test_a_functional_model_is_as_right_as_a_sequential_one():
    x = inputs = keras.Input((32, 32, 1))
    for layer in right(32, 10).layers:
        x = layer(x)
    assert rows(keras.Model(inputs, x)) == tutorial_lenet5(32, 10)


@pytest.mark.parametrize("sentence", MISTAKES)
def test_a_mistake_made_in_keras_is_named(sentence):
    cases = QUESTION.cases(drawn=2)
    verdict = judge(QUESTION, cases, [attempt(MISTAKES[sentence], case) for case in cases])
    assert verdict.sentence.startswith(sentence)
    assert (verdict.points > 0) == (sentence in RIGHT_IN_SOME)


def test_every_mistake_of_the_question_is_made_here():
    named = [s for sentence in MISTAKES for s in QUESTION.slips.values() if s.startswith(sentence)]
    assert sorted(named) == sorted(QUESTION.slips.values())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda m: m[:6], "row 7 is missing; it must be `['Dense', [84], 10164]`."),
        (lambda m: [*m, m[-1]], "row 9 is `['Dense', [10], 850]`; the row before it must be the last."),
        (
            lambda m: [m[0], ["Pool", [1], 0], *m[2:]],
            "row 2 must be `['AveragePooling2D', [14, 14, 6], 0]`; yours is `['Pool', [1], 0]`.",
        ),
        (
            lambda m: [["Conv2D", [28, 28, 6], 156.0], *m[1:-1], 0],
            "row 1 must be `['Conv2D', [28, 28, 6], 156]`; yours is `['Conv2D', [28, 28, 6], 156.0]`.",
        ),
        (lambda m: [], "row 1 is missing; it must be `['Conv2D', [28, 28, 6], 156]`."),
    ],
)
def test_a_mistake_without_a_name_is_answered_with_the_first_row_that_differs(change, sentence):
    shown = check("tutorial_lenet5", lambda *case: change(tutorial_lenet5(*case))).text
    assert f"`tutorial_lenet5(size=32, classes=10)`: {sentence}" in shown


def test_of_a_case_that_is_not_shown_no_row_is_shown():
    def answer(*case):
        return tutorial_lenet5(*case) if list(case) in QUESTION.visible else [["Dense"]]

    assert "The cases that are shown are right, others are not." in check("tutorial_lenet5", answer).text


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (lambda: keras.Sequential([L.Flatten(), L.Dense(10)]), "Sequential"),
        (lambda: keras.Sequential(), "Sequential"),
        (lambda: L.Dense(10)(keras.Input((4,))), "KerasTensor"),
        (lambda: [L.Flatten(), L.Dense(10)], "list"),
        (lambda: keras.Sequential, "type"),
    ],
)
def test_what_is_no_built_model_is_refused_in_words(value, kind):
    text = check("tutorial_lenet5", lambda *case: value()).text
    assert f"returned a {kind}" in text
    assert "; a Keras model that begins with `keras.Input` is required." in text


# The rows of any model


@pytest.mark.parametrize("build", [lenet5, squeezenet1_1, lambda: cifar_resnet(20)])
def test_the_rows_are_among_the_ledger_s_and_count_every_parameter_once(build):
    model = build()
    whole = ledger(model)
    table = iter([[row.kind, list(row.output_shape), row.parameters] for row in whole.rows])
    found = rows(model)
    assert all(row in table for row in found)  # in the same order
    assert sum(parameters for *_, parameters in found) == whole.parameters
    assert all(row.parameters == 0 for row in whole.rows if row.kind not in {kind for kind, *_ in found})


def test_only_layers_with_weights_or_a_new_shape_have_a_row():
    x = inputs = keras.Input((4, 4, 2))
    for layer in (L.BatchNormalization(), L.Dropout(0.5), L.Rescaling(2.0), L.RandomFlip(), L.ReLU()):
        x = layer(x)
    x = L.Concatenate()([x, L.Add()([x, x])])
    x = keras.ops.mean(x, axis=(1, 2))
    assert rows(keras.Model(inputs, x)) == [
        ["BatchNormalization", [4, 4, 2], 4],
        ["Concatenate", [4, 4, 4], 0],
        ["Mean", [4], 0],
    ]


def test_frozen_weights_are_no_parameters_and_open_sides_stay_null():
    frozen = L.Conv2D(3, 1, trainable=False)
    model = keras.Sequential([keras.Input((None, None, 1)), frozen, L.Conv2D(2, 1)])
    assert rows(model) == [["Conv2D", [None, None, 3], 0], ["Conv2D", [None, None, 2], 8]]


def test_a_model_inside_stands_layer_by_layer_and_shared_weights_count_once():
    inside = keras.Sequential([keras.Input((5,)), L.Dense(5), L.ReLU()])
    shared, x = L.Dense(5), keras.Input((5,))
    model = keras.Model(x, shared(inside(inside(shared(x)))))
    assert rows(model) == [["Dense", [5], count] for count in (30, 30, 0, 0)]


def test_rows_stand_branch_after_branch():
    x = keras.Input((4,))
    model = keras.Model(x, [L.Dense(1)(L.Dense(2)(x)), L.Dense(3)(x)])
    assert [shape for _, shape, _ in rows(model)] == [[2], [1], [3]]


def test_a_layer_used_in_another_model_counts_in_each():
    shared, x = L.Dense(5), keras.Input((5,))
    first, second = keras.Model(x, shared(x)), keras.Model(x, shared(L.Dense(5)(x)))
    assert rows(first) == [["Dense", [5], 30]]
    assert rows(second) == [["Dense", [5], 30]] * 2


# What a learner's object may do


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = L.Dense(3)

    def call(self, x):
        return self.dense(x)


class Tensor:
    """The result of a layer that reads another such tensor, and so on without end."""

    @property
    def _keras_history(self):
        node = SimpleNamespace(input_tensors=[Tensor()], outputs=[])
        return SimpleNamespace(_inbound_nodes=[node]), 0, 0


class Endless(keras.Sequential):
    inputs, outputs = (), (Tensor(),)


class Raising(keras.Sequential):
    @property
    def outputs(self):
        raise KeyboardInterrupt


class Liar:
    __class__ = keras.Sequential


def lying_weights():
    class Dense(L.Dense):
        @property
        def trainable_weights(self):
            return [SimpleNamespace(shape=["850"])]

    return keras.Sequential([keras.Input((84,)), Dense(10)])


@pytest.mark.parametrize("build", [Subclassed, Raising, Liar])
def test_an_object_that_is_no_honest_model_is_only_a_value_of_its_type(build):
    value = build()
    assert attempt(lambda: value, []) == {"type": type(value).__name__}


def test_what_an_object_makes_up_arrives_as_plain_data_at_most():
    assert rows(lying_weights()) in (None, [["Dense", [10], "850"]])


def test_a_model_beyond_all_bounds_is_too_large(monkeypatch):
    endless = Endless()
    assert attempt(lambda: endless, []) == {"type": "Endless", "large": True}
    model = keras.Sequential([keras.Input((1,)), *(L.Dense(1) for _ in range(5))])
    assert rows(model) == [["Dense", [1], 2]] * 5
    monkeypatch.setattr(answer, "LARGEST", 20)
    assert attempt(lambda: model, []) == {"type": "Sequential", "large": True}


def test_without_keras_nothing_is_imported_and_arrays_are_read_all_the_same():
    code = (
        "import sys, numpy; from course_lib.grading.answer import attempt;"
        "print(attempt(lambda: numpy.arange(3), []), attempt(lambda: object(), []), 'keras' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == "{'value': [0, 1, 2]} {'type': 'object'} False\n"


@pytest.mark.parametrize("module", [None, SimpleNamespace(), SimpleNamespace(Function=3, Sequential=4)])
def test_a_replaced_keras_harms_only_the_answer(monkeypatch, module):
    model = right(32, 10)
    monkeypatch.setitem(sys.modules, "keras", module)
    assert attempt(lambda: model, []) == {"type": "Sequential"}
