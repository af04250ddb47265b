"""Pipelines come as promised: split, repeatable, changed only as asked; bad requests are refused in words."""

import subprocess
import sys

import numpy as np
import pytest

from course_lib.data import Augmentation, Drawing, load, loading

# isort: split
import tensorflow as tf


def epoch(pipeline):
    x, y = zip(*pipeline.as_numpy_iterator(), strict=True)
    return np.concatenate(x), np.concatenate(y)


def test_every_training_batch_has_the_same_static_shape_and_values_from_0_to_1():
    data = load("digits", image_size=28, color="rgb", batch_size=100)
    x, y = data.train.element_spec
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((100, 28, 28, 3), tf.float32, (100,), tf.int64)
    assert int(data.train.cardinality()) == 14
    x, _ = epoch(data.train)
    assert x.shape == (1400, 28, 28, 3)
    assert x.min() == 0
    assert x.max() == 1


@pytest.mark.parametrize(("batch_size", "expected"), [(64, 60), (7, 6), (1000, 360)])
def test_every_test_image_comes_once_in_equal_batches(batch_size, expected):
    data = load("digits", batch_size=batch_size)
    assert data.test.element_spec[0].shape == (expected, 8, 8, 1)
    for found, stored in zip(epoch(data.test), data.arrays("test"), strict=True):
        np.testing.assert_array_equal(found, stored)


def test_the_same_seed_gives_the_same_order_and_content_and_another_seed_another():
    changes = Augmentation(shift=1, rotation=10)
    first, again, other = (load("digits", augmentation=changes, seed=seed) for seed in (1, 1, 2))
    epochs = [epoch(first.train), epoch(first.train)]
    for before, after in zip(epochs, [epoch(again.train), epoch(again.train)], strict=True):
        np.testing.assert_array_equal(before[0], after[0])
        np.testing.assert_array_equal(before[1], after[1])
    assert (epochs[0][1] != epochs[1][1]).any(), "each epoch has an order of its own"
    assert (epochs[0][1] != epoch(other.train)[1]).any()


def test_the_training_pictures_are_those_of_arrays_when_nothing_changes_them():
    data = load("digits", batch_size=479)  # 3 x 479 = 1437: nothing is left over
    shuffled, stored = (epoch(data.train), data.arrays("train"))
    for found, expected in zip(shuffled, stored, strict=True):
        assert sorted(map(bytes, found)) == sorted(map(bytes, expected))


def test_pad_and_value_range_make_the_field_of_lenet5():
    plain, _ = load("digits", image_size=28).arrays("test")
    field, _ = load("digits", image_size=28, pad=2, value_range=(-0.1, 1.175)).arrays("test")
    assert field.shape == (360, 32, 32, 1)
    np.testing.assert_allclose(field[:, 2:-2, 2:-2], plain * 1.275 - 0.1, atol=1e-6)
    field[:, 2:-2, 2:-2] = -0.1
    np.testing.assert_allclose(field, -0.1, atol=1e-6)


def test_another_shape_is_cut_about_the_centre_before_it_is_resized():
    x, _ = load("shapes", image_size=(32, 64), train_count=64, test_count=4).arrays("test")
    assert x.shape == (4, 32, 64, 3)
    image = np.zeros((8, 12, 1), "uint8")
    image[:, 2:10] = 200
    cut, label = loading._preparation((16, 16), 0, 1)(tf.constant(image), tf.constant(3))
    assert cut.shape == (16, 16, 1)
    np.testing.assert_array_equal(cut, 200)
    assert int(label) == 3


def test_colour_pictures_become_grayscale_and_grayscale_becomes_rgb():
    few = {"train_count": 64, "test_count": 10, "image_size": 16}
    rgb, gray = (
        load("shapes", **few).arrays("test")[0],
        load("shapes", color="grayscale", **few).arrays("test")[0],
    )
    np.testing.assert_allclose(gray[..., 0], rgb @ np.float32([0.299, 0.587, 0.114]), atol=0.005)
    tripled = load("digits", color="rgb").arrays("test")[0]
    np.testing.assert_array_equal(tripled, np.repeat(load("digits").arrays("test")[0], 3, axis=-1))


def test_a_larger_picture_leaves_its_central_part_and_training_its_windows():
    whole = load("shapes", image_size=20, train_count=64, test_count=6)
    few = {"image_size": (14, 16), "resize": 20, "train_count": 64, "test_count": 6}
    part = load("shapes", **few)
    assert part.image_shape == (14, 16, 3)
    for split in ("train", "test"):
        np.testing.assert_array_equal(part.arrays(split)[0], whole.arrays(split)[0][:, 3:17, 2:18])
    np.testing.assert_array_equal(epoch(part.test)[0], part.arrays("test")[0])
    flipped, _ = epoch(load("shapes", augmentation=Augmentation(flip="vertical"), **few).train)
    known = {bytes(x) for x in part.arrays("train")[0]}
    assert {bytes(x) in known for x in flipped} == {True, False}
    assert {*(bytes(x) in known or bytes(x[::-1].copy()) in known for x in flipped)} == {True}
    windows, _ = epoch(load("shapes", augmentation=Augmentation(crop=0.4), **few).train)
    assert windows.shape == (64, 14, 16, 3)
    assert not {bytes(x) for x in windows} & known


@pytest.mark.parametrize("low", [0.0, -0.5])
@pytest.mark.parametrize("center", ["pixel", "channel", "standard"])
def test_the_mean_and_deviation_are_those_of_the_training_pictures(center, low):
    shape = {"image_size": 12, "resize": 14, "train_count": 128, "test_count": 10, "value_range": (low, 200)}
    plain = load("shapes", **shape)
    data = load("shapes", center=center, augmentation=Augmentation(shift=3), **shape)
    x, x_test = plain.arrays("train")[0].astype("float64"), plain.arrays("test")[0]
    mean = x.mean(axis=0 if center == "pixel" else (0, 1, 2))
    deviation = x.std(axis=(0, 1, 2)) if center == "standard" else 1
    np.testing.assert_allclose(data.mean, mean, rtol=1e-5)
    np.testing.assert_allclose(data.deviation, deviation, rtol=1e-4)
    np.testing.assert_allclose(data.arrays("test")[0], (x_test - mean) / deviation, atol=2e-3)
    black = (low - data.mean) / data.deviation  # beyond the border
    found = epoch(data.train)[0]
    assert np.isclose(found, np.broadcast_to(black, found.shape), atol=1e-3).all(axis=-1).sum() > 1000


def test_nothing_is_subtracted_unless_asked_for_and_a_constant_channel_stays_finite(monkeypatch):
    assert (load("digits").mean, load("digits").deviation) == (0, 1)
    monkeypatch.setattr(loading, "CENTER_COUNT", 3)
    data = load("digits", center="pixel")
    np.testing.assert_allclose(data.mean, load("digits").arrays("train")[0][:3].mean(0), atol=1e-6)
    black = tf.data.Dataset.from_tensors((np.zeros((4, 4, 3), "uint8"), 0))
    assert (loading._Values.of(black, (4, 4), (0, 1), "standard").deviation > 0).all()


def test_a_split_too_large_for_memory_is_read_again_and_the_same(monkeypatch):
    _, expected = epoch(load("digits").test)
    monkeypatch.setattr(loading, "CACHE_BYTES", 64 * 100)
    data = load("digits")
    np.testing.assert_array_equal(epoch(data.test)[1], expected)
    assert len(epoch(data.train)[1]) == 1408


def test_two_replicas_train_on_the_pipelines_without_a_warning():
    code = """
from course_lib.backend import keras
import tensorflow as tf
from course_lib.data import Augmentation, load
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
data = load("digits", train_count=64, test_count=60, batch_size=32, augmentation=Augmentation(shift=1))
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = keras.Sequential([keras.layers.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(data.train, validation_data=data.test, verbose=0, shuffle=False)
print("trained")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "trained\n", done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ({"image_size": 0}, "image_size=0"),
        ({"image_size": (28, 28, 1)}, r"image_size=\(28, 28, 1\)"),
        ({"pad": -1}, "pad=-1"),
        ({"color": "gray"}, "color='gray'"),
        ({"value_range": (1, 0)}, r"value_range=\(1, 0\)"),
        ({"value_range": 1}, "value_range=1"),
        ({"value_range": None}, "value_range=None"),
        ({"value_range": "ab"}, "value_range='ab'"),
        ({"value_range": (0, float("inf"))}, r"value_range=\(0, inf\)"),
        ({"center": "mean"}, "center='mean'"),
        ({"resize": 9}, "resize=9, image_size=None, pad=0"),
        ({"resize": 9, "image_size": 10}, "resize=9, image_size=10, pad=0"),
        ({"resize": 9, "image_size": 8, "pad": 1}, "resize=9, image_size=8, pad=1"),
        ({"resize": 0, "image_size": 8}, "resize=0"),
        ({"augmentation": 5}, "augmentation=5"),
        ({"splits": ("train", "test")}, "name='digits'"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": 1438}, "batch_size=1438"),
        ({"train_count": 0}, "train_count=0"),
        ({"train_count": 1438}, "train_count=1438"),
        ({"test_count": 361}, "test_count=361"),
        ({"drawing": Drawing()}, "name='digits'"),
    ],
)
def test_an_invalid_argument_is_refused_with_what_is_required(arguments, received):
    with pytest.raises(ValueError, match=f"must .*Received: {received}"):
        load("digits", **arguments)


@pytest.mark.parametrize("name", [5, None])
def test_a_name_that_is_no_string_is_refused(name):
    with pytest.raises(ValueError, match=f"`name` must .*Received: name={name}"):
        load(name)


def test_pictures_larger_than_the_buffer_are_loaded_all_the_same():
    assert load("digits", image_size=100_000).image_shape == (100_000, 100_000, 1)


def test_only_the_training_pictures_are_augmented():
    plain, changed = load("digits"), load("digits", augmentation=Augmentation(flip="horizontal"))
    np.testing.assert_array_equal(epoch(plain.test)[0], epoch(changed.test)[0])
    np.testing.assert_array_equal(plain.arrays("train")[0], changed.arrays("train")[0])
    before, after = epoch(plain.train), epoch(changed.train)
    np.testing.assert_array_equal(before[1], after[1])  # the same order
    flipped = (after[0] == before[0][:, :, ::-1]).all(axis=(1, 2, 3))
    assert 600 < flipped.sum() < 800  # about half of 1,408
    np.testing.assert_array_equal(after[0][~flipped], before[0][~flipped])


def test_arrays_of_an_unknown_split_are_refused():
    with pytest.raises(ValueError, match="split='validation'"):
        load("digits").arrays("validation")
