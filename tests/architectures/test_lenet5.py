import numpy as np
import pytest

from course_lib.architectures import lenet5, lenet5_modern
from course_lib.backend import keras
from course_lib.layers import DIGIT_BITMAPS, MAPLoss, NearestAccuracy, scaled_tanh

FULL = ((True,) * 16,) * 6
IMAGES = np.random.default_rng(0).uniform(-0.1, 1.175, size=(4, 32, 32, 1)).astype("float32")


def _count(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


def _trainable(**departures):
    return _count(lenet5(**departures).trainable_weights)


def test_each_layer_has_the_papers_maps_and_parameters():
    layers = {layer.name: layer for layer in lenet5().layers}
    found = {
        name: (layer.output.shape[1:], _count(layer.trainable_weights)) for name, layer in layers.items()
    }
    assert found == {
        "input": ((32, 32, 1), 0),
        "C1": ((28, 28, 6), 156),
        "S2": ((14, 14, 6), 12),
        "C3": ((10, 10, 16), 1_516),
        "S4": ((5, 5, 16), 32),
        "C5": ((1, 1, 120), 48_120),
        "flatten": ((120,), 0),
        "F6": ((84,), 10_164),
        "output": ((10,), 0),
    }


def test_the_published_network_has_60000_trainable_parameters_and_840_fixed_ones():
    model = lenet5()
    assert _count(model.trainable_weights) == 60_000
    assert _count(model.non_trainable_weights) == 840


def test_the_modern_network_has_61706_parameters():
    model = lenet5_modern()
    assert _count(model.trainable_weights) == model.count_params() == 61_706


def test_the_departures_add_up_to_the_modern_network():
    departures = {"table": None, "pooling": "average", "output": "softmax"}
    published = _trainable()
    differences = [_trainable(**{name: value}) - published for name, value in departures.items()]
    assert differences == [900, -44, 850]
    assert published + sum(differences) == _trainable(**departures) == 61_706


def test_a_full_table_and_no_table_are_the_same_network():
    dense, partial = lenet5(table=None), lenet5(table=FULL)
    kernel, bias = dense.get_layer("C3").get_weights()
    for layer in dense.layers:
        if layer.name != "C3":
            partial.get_layer(layer.name).set_weights(layer.get_weights())
    # The partial layer's connections are ordered by output map, then by input map.
    partial.get_layer("C3").set_weights([kernel.swapaxes(2, 3).reshape(5, 5, 96), bias])
    np.testing.assert_allclose(partial(IMAGES), dense(IMAGES), rtol=1e-4)


def test_every_layer_up_to_f6_is_squashed():
    model = lenet5()
    for name in ("C1", "S2", "C3", "S4", "C5", "F6"):
        assert model.get_layer(name).activation is scaled_tanh
    for name in ("C1", "C3", "C5", "F6"):
        assert lenet5(activation="relu").get_layer(name).activation is keras.activations.relu


def test_the_forward_pass_is_the_papers_in_numpy():
    keras.utils.set_random_seed(0)
    model = lenet5(table=FULL)

    def weights(name):
        return model.get_layer(name).get_weights()

    def squash(x):
        return 1.7159 * np.tanh(2 / 3 * x)

    def convolve(x, name):
        kernel, bias = weights(name)
        if kernel.ndim == 3:
            kernel = kernel.reshape(5, 5, 16, 6).swapaxes(2, 3)
        windows = np.lib.stride_tricks.sliding_window_view(x, (5, 5), axis=(1, 2))
        return squash(np.einsum("nhwcij,ijco->nhwo", windows, kernel) + bias)

    def subsample(x, name):
        coefficient, bias = weights(name)
        total = x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]
        return squash(total * coefficient + bias)

    x = subsample(convolve(IMAGES, "C1"), "S2")
    x = subsample(convolve(x, "C3"), "S4")
    x = convolve(x, "C5").reshape(-1, 120)
    kernel, bias = weights("F6")
    x = squash(x @ kernel + bias)
    expected = ((x[:, None] - DIGIT_BITMAPS) ** 2).sum(-1)
    np.testing.assert_allclose(model(IMAGES), expected, rtol=1e-4)


def test_every_weight_starts_within_the_papers_limits_and_every_bias_at_zero():
    keras.utils.set_random_seed(0)
    model = lenet5()
    fan_ins = {"C1": 25, "S2": 4, "C3": 75, "S4": 4, "C5": 400, "F6": 120}
    for name, fan_in in fan_ins.items():
        weights, bias = model.get_layer(name).get_weights()
        assert 0.5 * 2.4 / fan_in < np.abs(weights).max() <= 2.4 / fan_in
        assert not bias.any()


def test_it_learns_ten_pictures_by_heart():
    keras.utils.set_random_seed(0)
    model = lenet5()
    model.compile(keras.optimizers.Adam(0.005), loss=MAPLoss(), metrics=[NearestAccuracy()])
    ink = DIGIT_BITMAPS.reshape(10, 12, 7).repeat(2, axis=1).repeat(2, axis=2) > 0
    images = np.pad(np.where(ink, 1.175, -0.1), ((0, 0), (4, 4), (9, 9)), constant_values=-0.1)[..., None]
    history = model.fit(images, np.arange(10), epochs=60, verbose=0).history
    assert history["accuracy"][-1] == 1.0
    assert history["loss"][-1] < 0.1 * history["loss"][0]


@pytest.mark.parametrize("build", [lenet5, lenet5_modern])
def test_a_saved_network_loads_without_custom_objects(build, tmp_path):
    model = build()
    model.compile("adam", loss=MAPLoss(j=3.0), metrics=[NearestAccuracy()])
    model.train_on_batch(IMAGES, np.arange(4))
    model.save(tmp_path / "lenet5.keras")
    loaded = keras.models.load_model(tmp_path / "lenet5.keras")
    assert loaded.loss.j == 3.0
    np.testing.assert_array_equal(loaded.predict(IMAGES, verbose=0), model.predict(IMAGES, verbose=0))


@pytest.mark.parametrize(
    "departure", [{"pooling": "max"}, {"output": "sigmoid"}, {"table": ((True, True),) * 5}, {"table": 5}]
)
def test_an_unknown_departure_is_refused(departure):
    with pytest.raises(ValueError, match="Received: "):
        lenet5(**departure)


def test_images_of_28_by_28_pixels_are_refused():
    with pytest.raises(ValueError, match="32"):
        lenet5()(np.zeros((1, 28, 28, 1)))


def test_another_initialiser_draws_every_kernel_and_starts_the_subsampling_at_the_average():
    model = lenet5(kernel_initializer="zeros")
    assert not any(np.any(model.get_layer(name).get_weights()[0]) for name in ("C1", "C3", "C5", "F6"))
    for name in ("S2", "S4"):
        np.testing.assert_array_equal(model.get_layer(name).coefficient, 0.25)
