"""The profile, the strategy and what replicas draw; which workers there are."""

import functools
import json

import numpy as np
import pytest
from small import ONE, TWO, build, pipelines

from course_lib import training
from course_lib.backend import keras
from course_lib.layers import FractalJoin, StochasticDepth
from course_lib.training import replicas, workers

import tensorflow as tf  # isort: skip


def test_the_profile_is_quick_unless_the_environment_says_full(monkeypatch):
    monkeypatch.delenv("COURSE_PROFILE", raising=False)
    assert training.profile() == "quick"
    monkeypatch.setenv("COURSE_PROFILE", "full")
    assert training.profile() == "full"


def test_another_profile_is_refused(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "fast")
    with pytest.raises(ValueError, match="Received: COURSE_PROFILE=fast"):
        training.profile()


def test_a_strategy_is_made_once_and_spans_the_devices_asked_for():
    assert training.strategy() is training.strategy()
    assert training.strategy(TWO) is training.strategy(list(TWO))
    gpus = len(tf.config.list_physical_devices("GPU"))
    assert training.strategy().num_replicas_in_sync == max(1, gpus)
    assert training.strategy(TWO).num_replicas_in_sync == 2


@pytest.mark.parametrize(("gpus", "replica_count"), [(0, None), (1, 1), (2, 2)])
def test_one_gpu_or_more_is_mirrored_and_none_is_not(monkeypatch, gpus, replica_count):
    devices = [f"CPU:{number}" for number in range(gpus)]  # in the place of GPUs
    mirrored = functools.partial(tf.distribute.MirroredStrategy, devices)
    found = [tf.config.PhysicalDevice(f"/physical_device:GPU:{number}", "GPU") for number in range(gpus)]
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", mirrored)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda *_: found)
    place = replicas._strategy.__wrapped__(())
    if replica_count is None:
        assert place is tf.distribute.get_strategy()
    else:
        assert (type(place), place.num_replicas_in_sync) == (mirrored.func, replica_count)


def test_keras_turns_xla_on_for_a_gpu_but_not_where_it_is_mirrored_unless_asked(monkeypatch):
    models = build(), build(devices=ONE), build(devices=ONE)
    gpu = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda *_: [gpu])
    for model, jit_compile in zip(models, ("auto", "auto", True), strict=True):
        model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=jit_compile)
    assert [model.jit_compile for model in models] == [True, False, True]


@pytest.mark.parametrize("xla", [False, True])
def test_one_device_that_is_mirrored_trains_as_without_a_strategy(tmp_path, xla):
    dropout = 0 if xla else 0.1  # XLA draws other numbers
    plain, mirrored = build(dropout=dropout), build(dropout=dropout, devices=ONE)
    mirrored.jit_compile = xla
    for epochs in (1, 2):  # the second goes on from the file of the first
        for name, model in (("plain", plain), ("mirrored", mirrored)):
            training.fit(model, pipelines(), epochs=epochs, directory=tmp_path / name, verbose=False)
    for one, two in zip(plain.get_weights(), mirrored.get_weights(), strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-6)
    values = training.evaluate(plain, pipelines()[1])
    assert training.evaluate(mirrored, pipelines()[1]) == pytest.approx(values)


class Draws(keras.layers.Layer):
    """Keeps, in each replica, what a random layer last made of ones."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def build(self, shape):
        self.seen = self.add_weight(shape=(16, 4), dtype="int32", initializer="zeros", trainable=False)

    def call(self, inputs, training=False):
        drawn = self.layer(keras.ops.ones_like(inputs), training=training)
        if training:
            self.seen.assign(keras.ops.cast(drawn > 0, "int32"))
        return inputs * drawn


def test_replicas_draw_apart_but_for_layers_that_draw_for_the_whole_batch():
    keras.utils.set_random_seed(0)
    place = training.strategy(TWO)
    with place.scope():
        x = inputs = keras.Input((4,))
        for layer in (
            keras.layers.Dropout(0.5),
            StochasticDepth(0.5, per_sample=True),
            StochasticDepth(0.5),
            Joined(2, drop_path=0.5),
        ):
            x = Draws(layer)(x)
        model = keras.Model(inputs, keras.layers.Dense(2, "softmax")(x))
        model.compile("sgd", "sparse_categorical_crossentropy")

    def copies(variables):
        return [
            [copy.numpy().tolist() for copy in place.experimental_local_results(v.value)] for v in variables
        ]

    begun = [first for first, _ in copies(replicas.drawn(model))]
    for _ in range(2):  # the second call must not move the replicas' seeds further
        training.fit(model, (pipelines(64, 32)[0], None), epochs=1, verbose=False)
    seen = copies(layer.seen for layer in model.layers if isinstance(layer, Draws))
    assert [first == second for first, second in seen] == [False, False, True, True]
    seeds, apart = copies(replicas.drawn(model)), [replicas.APART] * 2 + [0] * 3  # a join has two
    assert seeds == [[[number, 4], [number + far, 4]] for (number, _), far in zip(begun, apart, strict=True)]


class Joined(FractalJoin):
    """Joins the input with itself."""

    def call(self, inputs, training=False):
        return super().call([inputs, inputs * 2], training=training)

    def build(self, shape):
        pass

    def compute_output_shape(self, shape):
        return shape


@pytest.mark.parametrize("option", [{"clipnorm": 1.0}, {"global_clipnorm": 2.0}, {"clipvalue": 0.5}])
def test_an_optimizer_that_clips_is_refused_on_several_replicas(option):
    model = build(devices=TWO)
    model.compile(keras.optimizers.SGD(0.1, **option), "sparse_categorical_crossentropy")
    name, value = next(iter(option.items()))
    with pytest.raises(ValueError, match=f"without clipping.*Received: {name}={value}"):
        training.fit(model, pipelines(), epochs=1)


def test_loss_scaling_is_refused_on_several_replicas():
    model = build(devices=TWO)
    with training.strategy(TWO).scope():
        optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))
        model.compile(optimizer, "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"mixed_bfloat16\. Received: mixed_float16"):
        training.fit(model, pipelines(), epochs=1)


def test_the_precision_is_that_of_the_gpus_if_all_have_bfloat16_units(monkeypatch):
    assert training.precision() == "float32" or tf.config.list_physical_devices("GPU")
    for capabilities, policy in (([8, 9], "mixed_bfloat16"), ([9, 7], "float32"), ([], "float32")):
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind, found=capabilities: found)
        monkeypatch.setattr(
            tf.config.experimental, "get_device_details", lambda gpu: {"compute_capability": (gpu, 0)}
        )
        assert training.precision() == policy


@pytest.mark.parametrize(
    "config",
    [
        "{",
        "[]",
        '{"cluster": {"worker": ["a:1", "b:2"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
    ],
)
def test_a_tf_config_that_names_no_task_is_refused(monkeypatch, config):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match=r"TF_CONFIG must be like .*Received: TF_CONFIG="):
        workers.expected()


def test_workers_need_pipelines():
    workers.require_pipelines(pipelines()[0], None)
    with pytest.raises(ValueError, match=r"tf.data or arrays\. Received: list"):
        workers.require_pipelines(pipelines()[0], [1])


def test_the_first_worker_or_the_chief_writes(monkeypatch):
    assert training.is_chief()
    for kind, index, cluster, chief in (
        ("worker", 0, {"worker": ["a:1", "b:2"]}, True),
        ("worker", 1, {"worker": ["a:1", "b:2"]}, False),
        ("worker", 0, {"chief": ["c:3"], "worker": ["a:1"]}, False),
        ("chief", 0, {"chief": ["c:3"], "worker": ["a:1"]}, True),
    ):
        config = {"cluster": cluster, "task": {"type": kind, "index": index}}
        monkeypatch.setenv("TF_CONFIG", json.dumps(config))
        assert training.is_chief() == chief
