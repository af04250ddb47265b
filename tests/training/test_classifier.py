"""`train` compiles for labels and trains; gradients and lengths say how large the signals are."""

import numpy as np
import pytest

from course_lib import layers, training
from course_lib.architectures import cifar_resnet, googlenet, lenet5
from course_lib.backend import keras

import tensorflow as tf  # isort: skip

RNG = np.random.default_rng(0)
X, Y = RNG.random((64, 8, 8, 1), "float32"), np.arange(64) % 4


def small(*between):
    keras.utils.set_random_seed(0)
    stack = [keras.layers.Conv2D(3, 3, activation="relu", name="conv"), keras.layers.Flatten(), *between]
    return keras.Sequential([keras.Input((8, 8, 1)), *stack, keras.layers.Dense(4, "softmax", name="head")])


def test_it_trains_as_compile_and_fit_do_with_a_rate_that_falls_to_zero():
    options = {"epochs": 3, "batch_size": 16, "verbose": False}
    one, two = small(), small()
    history = training.train(one, ((X, Y), None), rate=0.02, momentum=0.9, **options)
    schedule = keras.optimizers.schedules.CosineDecay(0.02, 3 * 4)
    sgd = keras.optimizers.SGD(schedule, momentum=0.9)
    two.compile(sgd, "sparse_categorical_crossentropy", metrics=["accuracy"])
    expected = training.fit(two, ((X, Y), None), **options)
    for name, values in expected.history.items():
        assert history.history[name] == pytest.approx(values)
    for weight, other in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)
    assert float(one.optimizer.learning_rate) == pytest.approx(0, abs=1e-9)


def test_adam_is_what_no_momentum_means_and_a_schedule_is_taken_as_it_is():
    model = small()
    steady = keras.optimizers.schedules.PiecewiseConstantDecay([10**6], [0.004, 0.0])
    top = keras.metrics.SparseTopKCategoricalAccuracy(2, name="top_2")
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(16)
    history = training.train(model, (data, data), epochs=1, rate=steady, metrics=[top], verbose=False)
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.004)
    assert sorted(history.history) == ["accuracy", "loss", "top_2", "val_accuracy", "val_loss", "val_top_2"]


def test_distances_get_the_papers_loss_and_heads_one_each():
    keras.utils.set_random_seed(0)
    original = lenet5()
    fields = RNG.random((4, 32, 32, 1), "float32")
    training.train(original, ((fields, Y[:4]), None), epochs=1, batch_size=4, verbose=False)
    assert isinstance(original.loss, layers.MAPLoss)
    three = googlenet(input_shape=(79, 79, 1), classes=4, width=0.05)
    pictures = RNG.random((4, 79, 79, 1), "float32")
    batch = tf.data.Dataset.from_tensor_slices((pictures, (Y[:4],) * 3)).batch(4)
    weights = [1, 0.3, 0.3]
    log = training.train(three, (batch, None), epochs=1, loss_weights=weights, verbose=False).history
    total = sum(
        weight * log[f"{name}_loss"][0] for weight, name in zip(weights, three.output_names, strict=True)
    )
    assert log["loss"][0] == pytest.approx(total, rel=1e-4)
    assert sum(name.endswith("accuracy") for name in log) == 3


def test_a_model_that_was_trained_goes_on_from_its_weights_with_a_new_optimizer():
    model = small()
    training.train(model, ((X, Y), None), epochs=1, batch_size=16, verbose=False)
    weights, optimizer = model.get_weights(), model.optimizer
    training.train(model, ((X, Y), None), epochs=1, batch_size=16, rate=1e-30, verbose=False)
    assert model.optimizer is not optimizer
    np.testing.assert_allclose(model.get_weights()[0], weights[0], atol=1e-12)


def test_the_gradient_of_a_kernel_is_as_long_as_differences_say():
    model = small()
    norms = training.gradient_norms(model, X, Y)
    assert list(norms) == ["conv", "head"]
    loss = keras.losses.SparseCategoricalCrossentropy()
    for name, norm in norms.items():
        kernel = model.get_layer(name).kernel
        before, squares = kernel.numpy(), 0.0
        for place in np.ndindex(*kernel.shape):
            change = np.zeros(before.shape)
            change[place] = 1e-3
            sides = []
            for sign in (1, -1):
                kernel.assign(before + sign * change)
                sides.append(float(loss(Y, model(X))))
            squares += ((sides[0] - sides[1]) / 2e-3) ** 2
        kernel.assign(before)
        assert norm == pytest.approx(squares**0.5, rel=1e-2)


def test_the_gradient_is_that_of_the_loss_that_is_given():
    def doubled(labels, scores):
        return 2 * keras.losses.sparse_categorical_crossentropy(labels, scores)

    model = small()
    twice = {name: 2 * norm for name, norm in training.gradient_norms(model, X, Y).items()}
    assert training.gradient_norms(model, X, Y, loss=doubled) == pytest.approx(twice)


def test_the_gradients_leave_the_model_as_it_is():
    model = small(keras.layers.BatchNormalization(), keras.layers.Dropout(0.5))
    model.get_layer("conv").trainable = False
    before = [variable.numpy() for variable in model.variables]
    norms = training.gradient_norms(model, X, Y)
    assert norms["conv"] > 0  # also of a layer that is frozen
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    assert training.gradient_norms(model, X, Y) == pytest.approx(norms)
    assert training.gradient_norms(model, X, Y, training=False) != pytest.approx(norms)


def test_heads_count_by_their_weights_and_those_that_a_loss_never_reaches_get_none():
    keras.utils.set_random_seed(0)
    model = googlenet(input_shape=(79, 79, 1), classes=4, width=0.05)
    pictures, labels = RNG.random((4, 79, 79, 1), "float32"), np.arange(4)
    options = {"training": False}
    main = training.gradient_norms(model, pictures, labels, loss_weights=(1, 0, 0), **options)
    twice = training.gradient_norms(model, pictures, labels, loss_weights=(2, 0, 0), **options)
    side = training.gradient_norms(model, pictures, labels, loss_weights=(0, 1, 1), **options)
    assert twice == pytest.approx({name: 2 * norm for name, norm in main.items()}, rel=1e-3)
    assert main[next(name for name in main if "aux" in name or "softmax0" in name)] == 0
    assert side["inception_5b_3x3"] == 0 < main["inception_5b_3x3"]
    with pytest.raises(ValueError, match=r"each of the 3 heads\. Received: loss_weights=\(1, 2\)"):
        training.gradient_norms(model, pictures, labels, loss_weights=(1, 2))


def test_every_convolution_of_a_network_has_a_norm_from_the_input_on():
    norms = training.gradient_norms(cifar_resnet(8, input_shape=(8, 8, 1)), X, Y)
    names = list(norms)
    assert (names[0], names[-1], len(names)) == ("stem_conv", "head_dense", 8)
    assert all(norm > 0 for norm in norms.values())


def residual_net():
    """Build two blocks of a dense branch with BatchNorm and a shortcut, and a classifier."""
    x = keras.Input((4,))
    y = x
    for number in (1, 2):
        branch = keras.layers.Dense(4, name=f"dense{number}")(y)
        branch = keras.layers.BatchNormalization(name=f"bn{number}")(branch)
        y = keras.layers.Add(name=f"add{number}")([y, branch])
    return keras.Model(x, keras.layers.Dense(3, activation="softmax", name="head")(y))


def test_a_gradient_in_an_output_is_what_a_small_change_of_it_does_to_the_loss():
    keras.utils.set_random_seed(0)
    model = residual_net()
    x, y = np.random.default_rng(0).normal(size=(6, 4)).astype("float32"), np.arange(6) % 3
    norms = training.output_gradient_norms(model, ["add1", "add2"], x, y, training=False)
    kernel = model.get_layer("head").kernel.numpy()
    # By hand: the gradient of softmax and cross-entropy, through the head to its input, add2.
    errors = (model(x).numpy() - np.eye(3)[y]) / 6
    assert norms["add2"] == pytest.approx(np.linalg.norm(errors @ kernel.T), rel=1e-4)
    weight = model.get_layer("dense2").kernel.numpy() / np.sqrt(1 + 1e-3)
    through = errors @ kernel.T
    assert norms["add1"] == pytest.approx(np.linalg.norm(through + through @ weight.T), rel=1e-4)


def test_measuring_signals_leaves_batchnorm_as_it_is():
    model, x = residual_net(), np.random.default_rng(0).normal(3, 1, size=(6, 4)).astype("float32")
    weights = model.get_weights()
    training.output_gradient_norms(model, ["add1"], x, np.zeros(6, int), training=True)
    training.branch_lengths(model, x, training=True)
    assert all(map(np.array_equal, weights, model.get_weights()))


def test_branch_lengths_are_those_of_shortcut_branch_and_sum_block_by_block():
    keras.utils.set_random_seed(0)
    model, x = residual_net(), np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    lengths = training.branch_lengths(model, x)
    branch = model.get_layer("bn1")(model.get_layer("dense1")(x), training=False).numpy()
    values = {"x": x, "F(x)": branch, "F(x) + x": x + branch}
    assert {name: length.shape for name, length in lengths.items()} == dict.fromkeys(values, (2,))
    first = {name: length[0] for name, length in lengths.items()}
    assert first == pytest.approx({name: np.linalg.norm(value) for name, value in values.items()}, rel=1e-4)
    assert lengths["x"][1] == pytest.approx(lengths["F(x) + x"][0])


def test_branch_lengths_of_a_plain_network_are_refused():
    x = keras.Input((4,))
    with pytest.raises(ValueError, match="Received: model=plain"):
        training.branch_lengths(keras.Model(x, keras.layers.Dense(3)(x), name="plain"), np.zeros((1, 4)))
