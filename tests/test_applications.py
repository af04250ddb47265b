"""The ledger of Keras's own networks: Keras's parameters, published multiply-adds and receptive fields."""

import functools

import pytest

from benchmarks import applications
from course_lib import graph
from course_lib.architectures import outline
from course_lib.backend import keras
from course_lib.ledger import ledger

SMALLEST = {  # of each family: trained parameters, and what stands beside its published multiply-adds
    "ConvNeXtTiny": (28_589_128, "rounds to it"),
    "DenseNet121": (7_978_856, "rounds to it"),
    "EfficientNetB0": (5_288_548, "rounds to it"),
    "EfficientNetV2B0": (7_139_704, "rounds to it"),
    "InceptionResNetV2": (55_813_192, None),
    "InceptionV3": (23_817_352, "rounds to it"),
    "MobileNet": (4_231_976, "rounds to it"),
    "MobileNetV2": (3_504_872, "+0.3 %"),
    "MobileNetV3Small": (2_542_856, "+0.9 %"),
    "NASNetMobile": (5_289_978, "rounds to it"),
    "ResNet50": (25_583_592, "+1.5 %"),
    "ResNet50V2": (25_568_360, None),
    "VGG16": (138_357_544, "rounds to it"),
    "Xception": (22_855_952, None),
}

counted = functools.cache(applications.counted)


@pytest.mark.parametrize("name", SMALLEST)
def test_the_smallest_of_each_family_has_keras_own_parameters_and_published_macs(name):
    model, table = counted(name)
    parameters, verdict = SMALLEST[name]
    assert (table.parameters, table.non_trainable) == applications.keras_counts(model)
    assert table.parameters == parameters
    if verdict:
        assert applications.beside(table.macs, applications.PUBLISHED[name][0]) == verdict
    shapes = {
        layer.name: tuple(layer.output.shape[1:]) for layer in model.layers if not graph.is_model(layer)
    }
    assert {row.layer: row.output_shape for row in table.rows if row.layer in shapes} == shapes


def test_with_a_multiply_add_for_each_value_of_batch_norm_the_macs_are_the_printed_ones():
    name = "EfficientNetV2M"
    _, table = counted(name)
    normalised = sum(row.activations for row in table.rows if row.kind == "BatchNormalization")
    assert applications.beside(table.macs + normalised, applications.PUBLISHED[name][0]) == "rounds to it"


@pytest.mark.parametrize(  # Araujo, Norris and Sim 2019, table 1
    ("name", "field"),
    [("InceptionResNetV2", 3039), ("InceptionV3", 1311), ("MobileNet", 315), ("ResNet50", 483)],
)
def test_the_receptive_field_of_the_last_map_is_the_published_one(name, field):
    maps = [row for row in counted(name)[1].rows if len(row.output_shape) == 3]
    if name == "MobileNet":  # its head is a convolution of 1x1 over what is pooled
        maps = [row for row in maps if row.output_shape[0] > 1]
    assert maps[-1].receptive_field == (field, field)


def test_a_network_of_open_size_is_counted_where_its_size_is_known():
    build = keras.applications.MobileNetV3Small
    open_model, fixed = outline(build, weights=None), outline(build, weights=None, input_shape=(224, 224, 3))
    table = ledger(open_model)
    assert (table.parameters, table.macs, table.activations) == (2_542_856, None, None)
    assert "?x?x16" in str(table)
    x = keras.Input((224, 224, 3))
    within, alone = ledger(keras.Model(x, open_model(x))).rows[1:], ledger(fixed).rows[1:]
    assert [row[2:] for row in within] == [row[2:] for row in alone]


def test_every_network_that_keras_exports_is_found():
    names = {name for name in vars(keras.applications) if name[0].isupper()}
    assert set(applications.builders()) == names
    assert len(names) >= 38
    assert set(applications.PUBLISHED) < names


@pytest.mark.parametrize(
    ("macs", "printed", "words"),
    [
        (4_549_999_999, "4.5G", "rounds to it"),
        (4_551_000_000, "4.5G", "+1.1 %"),
        (568_400_000, "569M", "-0.1 %"),
        (37_499_000_000, "37G", "rounds to it"),
    ],
)
def test_macs_stand_beside_the_printed_ones_to_as_many_digits(macs, printed, words):
    assert applications.beside(macs, printed) == words


def test_a_line_has_the_counts_and_their_source():
    assert applications.line("MobileNet") == (
        "| MobileNet | 224x224 | 4,231,976 | 21,888 | the same | 568,740,352 | 569M | rounds to it | "
        "tensorflow/models, research/slim/nets/mobilenet_v1.md |"
    )
