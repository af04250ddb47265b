"""What every architecture promises: the paper's counts, one form, and training on any scale and strategy."""

import inspect
import re

import numpy as np
import pytest
import tensorflow as tf

from course_lib import architectures, training
from course_lib.backend import keras
from course_lib.ledger import ledger

# Trainable parameters and MACs of every published variant; the first of each builder is its default.
VARIANTS = [
    ("lenet5", {}, 60_000, 325_680),
    ("lenet5_modern", {}, 61_706, 416_520),
    ("alexnet", {}, 60_965_224, 724_406_816),
    ("alexnet_one_tower", {}, 62_378_344, 1_135_256_096),
    ("zfnet", {}, 62_357_608, 1_168_032_896),
    ("zfnet_wide", {}, 107_627_624, 2_476_704_896),
    ("nin_cifar10", {}, 966_986, 222_486_528),
    ("nin_imagenet", {}, 7_595_176, 1_100_188_800),
    ("vgg_a", {}, 132_863_336, 7_609_090_048),
    ("vgg_a_lrn", {}, 132_863_336, 7_609_090_048),
    ("vgg_b", {}, 133_047_848, 11_308_466_176),
    ("vgg_c", {}, 133_638_952, 11_770_888_192),
    ("vgg_d", {}, 138_357_544, 15_470_264_320),
    ("vgg_e", {}, 143_667_240, 19_632_062_464),
    ("vgg16", {}, 138_357_544, 15_470_264_320),
    ("vgg19", {}, 143_667_240, 19_632_062_464),
    ("googlenet", {}, 13_378_280, 1_591_044_096),
    ("googlenet_inference", {}, 6_998_552, 1_582_671_872),
    ("resnet18", {}, 11_689_512, 1_814_073_344),
    ("resnet34", {}, 21_797_672, 3_663_761_408),
    ("resnet50", {}, 25_557_032, 3_857_973_248),
    ("resnet101", {}, 44_549_160, 7_570_194_432),
    ("resnet152", {}, 60_192_808, 11_282_415_616),
    ("plain18", {}, 11_515_688, 1_794_805_760),
    ("plain34", {}, 21_623_848, 3_644_493_824),
    ("cifar_resnet", {}, 269_722, 40_551_040),
    ("cifar_resnet", {"depth": 32}, 464_154, 68_862_592),
    ("cifar_resnet", {"depth": 44}, 658_586, 97_174_144),
    ("cifar_resnet", {"depth": 56}, 853_018, 125_485_696),
    ("cifar_resnet", {"depth": 110}, 1_727_962, 252_887_680),
    ("cifar_plain", {}, 269_722, 40_551_040),
    ("cifar_plain", {"depth": 32}, 464_154, 68_862_592),
    ("cifar_plain", {"depth": 44}, 658_586, 97_174_144),
    ("cifar_plain", {"depth": 56}, 853_018, 125_485_696),
    ("cifar_plain", {"depth": 110}, 1_727_962, 252_887_680),
    ("preact_resnet", {}, 1_727_962, 252_887_680),
    ("preact_resnet", {"depth": 164}, 1_703_258, 244_500_992),
    ("preact_resnet", {"depth": 1001}, 10_327_706, 1_487_849_984),
    ("stochastic_depth_resnet", {}, 1_727_962, 252_887_680),
    ("wide_resnet", {}, 10_961_370, 1_548_145_664),
    ("wide_resnet", {"depth": 28, "widen": 10}, 36_479_194, 5_243_328_768),
    ("wide_resnet50_2", {}, 68_883_240, 11_398_021_120),
    ("fractalnet", {}, 33_724_618, 845_222_912),
    ("resnext50", {}, 25_028_904, 4_230_479_872),
    ("cifar_resnext29", {}, 34_426_698, 5_387_266_048),
    ("cifar_resnext29", {"cardinality": 16}, 68_155_210, 10_688_866_304),
    ("densenet121", {}, 7_978_856, 2_834_161_664),
    ("densenet169", {}, 14_149_480, 3_359_843_328),
    ("densenet201", {}, 20_013_928, 4_291_365_888),
    ("densenet161", {}, 28_681_000, 7_727_907_072),
    ("cifar_densenet", {}, 1_019_722, 264_812_928),
    ("cifar_densenet", {"depth": 100, "bottleneck": True}, 769_162, 287_929_692),
    ("squeezenet1_0", {}, 1_248_424, 832_667_936),
    ("squeezenet1_1", {}, 1_235_496, 387_747_520),
]

# The smallest input of each builder; all others work at 1x1.
SMALLEST = {
    "alexnet": 67,
    "alexnet_one_tower": 67,
    "zfnet": 47,
    "zfnet_wide": 47,
    "nin_cifar10": 4,
    "nin_imagenet": 39,
    **dict.fromkeys(("vgg_a", "vgg_a_lrn", "vgg_b", "vgg_c", "vgg_d", "vgg_e", "vgg16", "vgg19"), 32),
    "googlenet": 79,
    "fractalnet": 32,
    **dict.fromkeys(("densenet121", "densenet169", "densenet201", "densenet161"), 29),
    "cifar_densenet": 4,
    "squeezenet1_0": 21,
    "squeezenet1_1": 17,
}
# Further variants of a builder, which looks for its smallest input by building: not each of them need do so.
SAME_BUILDER = {
    "densenet161",
    "densenet169",
    "densenet201",
    "vgg_b",
    "vgg_c",
    "vgg_d",
    "vgg_e",
    "vgg16",
    "vgg19",
}
FIXED = {"lenet5", "lenet5_modern", "googlenet_inference"}  # no input_shape, classes and width of their own
BUILDERS = [name for name in dict.fromkeys(name for name, *_ in VARIANTS) if name not in FIXED]

# The shallowest member of each family, scaled down.
SMALL = {
    "alexnet": {"input_shape": (67, 67, 3), "width": 0.1},
    "zfnet": {"input_shape": (47, 47, 3), "width": 0.1},
    "nin_cifar10": {"input_shape": (16, 16, 3), "width": 0.1},
    "vgg_a_lrn": {"input_shape": (32, 32, 3), "width": 0.1},
    "googlenet": {"input_shape": (79, 79, 3), "width": 0.25},
    "resnet18": {"input_shape": (32, 32, 3), "width": 0.1},
    "cifar_resnet": {"depth": 8, "input_shape": (8, 8, 3), "width": 0.25},
    "preact_resnet": {"depth": 8, "input_shape": (8, 8, 3), "width": 0.25},
    "stochastic_depth_resnet": {"depth": 8, "input_shape": (8, 8, 3), "width": 0.25},
    "wide_resnet": {"depth": 10, "widen": 2, "input_shape": (8, 8, 3), "width": 0.25},
    "fractalnet": {"columns": 2, "width": 0.1},
    "cifar_resnext29": {"cardinality": 2, "input_shape": (8, 8, 3), "width": 0.05},
    "cifar_densenet": {"depth": 10, "input_shape": (8, 8, 3), "width": 0.5},
    "squeezenet1_1": {"input_shape": (35, 35, 3), "width": 0.25},
}
each_builder = pytest.mark.parametrize("name", BUILDERS)
each_family = pytest.mark.parametrize("name", SMALL)


def _build(builder, /, **options):
    return getattr(architectures, builder)(**options)


def _small(name):
    keras.utils.set_random_seed(1)
    return _build(name, classes=4, **SMALL[name])


def _images(model, count=4):
    return np.random.default_rng(0).normal(size=(count, *model.input_shape[1:])).astype("float32")


def _outputs(model, images):
    return [output.numpy() for output in keras.tree.flatten(model(images))]


def _losses(model):
    return ["sparse_categorical_crossentropy"] * len(model.outputs)


def test_every_exported_builder_that_works_without_arguments_is_in_the_table():
    exported = {
        name
        for name in architectures.__all__
        if not any(
            parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
            for parameter in inspect.signature(getattr(architectures, name)).parameters.values()
        )
    }
    assert exported == {name for name, *_ in VARIANTS}


@pytest.mark.parametrize(
    ("name", "arguments", "parameters", "macs"),
    VARIANTS,
    ids=["-".join(map(str, (name, *arguments.values()))) for name, arguments, *_ in VARIANTS],
)
def test_a_variant_has_the_papers_parameters_and_macs(name, arguments, parameters, macs, full_size):
    found = full_size(name, **arguments)
    assert (found.name, found.parameters, found.macs) == (name, parameters, macs)


@each_builder
def test_classes_width_and_name_and_the_smallest_input_shape_change_the_scale_and_not_the_structure(
    name, full_size
):
    side = SMALLEST.get(name, 1)
    builder = getattr(architectures, name)
    options = {"input_shape": (side, side, 1), "classes": 7, "width": 0.25, "name": "chosen"}
    model = architectures.outline(builder, **options)
    scaled = ledger(model)
    assert model.name == "chosen"
    assert model.input_shape == (None, side, side, 1)
    assert {output.shape for output in model.outputs} == {(None, 7)}
    assert [row[:2] for row in scaled.rows] == [row[:2] for row in full_size(name).rows]
    assert scaled.parameters < full_size(name).parameters / 8


@pytest.mark.parametrize("name", sorted(SMALLEST.keys() - SAME_BUILDER))
def test_an_input_one_pixel_too_small_is_refused_with_the_smallest_that_works(name):
    smallest = SMALLEST[name]
    sides = (smallest - 1, smallest - 1, 3)
    message = re.escape(f"at least {smallest}x{smallest}. Received: input_shape={sides}")
    with pytest.raises(ValueError, match=message):
        architectures.outline(getattr(architectures, name), input_shape=sides)
    assert f"{smallest}x{smallest}" in inspect.getsource(inspect.getmodule(getattr(architectures, name)))


@each_builder
def test_a_width_that_is_not_positive_is_refused(name):
    with pytest.raises(ValueError, match=r"width must be positive\. Received: width=0"):
        _build(name, width=0)


@each_family
def test_outputs_are_probabilities_or_logits(name):
    model = _small(name)
    for output in _outputs(model, _images(model)):
        np.testing.assert_allclose(output.sum(-1), 1, rtol=1e-5)
    logits = _build(name, classes=4, classifier_activation=None, **SMALL[name])
    logits.set_weights(model.get_weights())
    for probability, logit in zip(
        _outputs(model, _images(model)), _outputs(logits, _images(model)), strict=True
    ):
        np.testing.assert_allclose(probability, keras.ops.softmax(logit), rtol=1e-4)


@each_family
def test_the_gradient_reaches_every_weight(name):
    model = _small(name)
    reached = [False] * len(model.trainable_weights)
    for _ in range(20):  # a gate or drop-path may close a branch for one batch
        with tf.GradientTape() as tape:
            outputs = keras.tree.flatten(model(_images(model), training=True))
            loss = sum(keras.ops.sum(keras.ops.square(output - np.eye(4))) for output in outputs)
        gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
        reached = [
            before or bool(keras.ops.any(gradient != 0))
            for before, gradient in zip(reached, gradients, strict=True)
        ]
        if all(reached):
            break
    missed = [
        w.path for w, is_reached in zip(model.trainable_weights, reached, strict=True) if not is_reached
    ]
    assert missed == []


@each_family
def test_a_saved_model_loads_without_custom_objects_and_computes_the_same(name, tmp_path):
    model = _small(name)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.to_json() == model.to_json()
    for one, other in zip(_outputs(model, _images(model)), _outputs(loaded, _images(model)), strict=True):
        np.testing.assert_array_equal(one, other)


@each_family
def test_in_mixed_precision_weights_and_outputs_are_float32_and_agree_with_float32(name):
    model = _small(name)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        mixed = _small(name)
    finally:
        keras.config.set_dtype_policy(policy)
    mixed.set_weights(model.get_weights())
    assert {weight.dtype for weight in mixed.weights if "seed" not in weight.path} == {"float32"}
    assert {layer.compute_dtype for layer in mixed.layers if isinstance(layer, keras.layers.Conv2D)} == {
        "float16"
    }
    for one, other in zip(_outputs(model, _images(model)), _outputs(mixed, _images(model)), strict=True):
        assert other.dtype == "float32"
        np.testing.assert_allclose(one, other, atol=0.02)


@each_family
def test_a_training_step_on_two_replicas_keeps_them_equal_and_moves_the_weights(name):
    strategy = training.strategy(("CPU:0", "CPU:1"))
    with strategy.scope():
        model = _small(name)
        model.compile(keras.optimizers.SGD(0.01), loss=_losses(model))
    before = model.get_weights()
    images, labels = _images(model), np.arange(4)
    data = tf.data.Dataset.from_tensors((images, (labels,) * len(model.outputs)))
    model.fit(data, shuffle=False, verbose=0)
    assert any(not np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))
    for weight in model.trainable_weights:
        one, other = (copy.numpy() for copy in strategy.experimental_local_results(weight.value))
        assert np.isfinite(one).all()
        np.testing.assert_array_equal(one, other)
