"""Load a dataset as two pipelines of batches, for training and for testing."""

from dataclasses import dataclass, field

import numpy as np

from course_lib import checks
from course_lib.backend import keras  # noqa: F401  (first: it imports TensorFlow without its noise)
from course_lib.data import sources
from course_lib.data.augmentation import Augmentation, central_part, unit
from course_lib.data.shapes import PIXELS

# isort: split
import tensorflow as tf

__all__ = ["Dataset", "black_and_white", "load"]

CENTERS = (None, "pixel", "channel", "standard")
CHANNELS = {"grayscale": 1, "rgb": 3}
SHIPPED = ("digits", "shapes")
CACHE_BYTES = 2**30  # a split that is larger, in 8-bit pixels, is read from disk again in every epoch
CENTER_COUNT = 10_000  # how many training pictures, at most, the mean and deviation are computed from


@dataclass(frozen=True, eq=False)
class Dataset:
    """Hold a train and a test pipeline and what they contain; `load` makes it.

    `train` and `test` are tf.data of batches (x, y), all of one size: x (batch, H, W, C) float32, y (batch,)
    int64. `train` comes in a new order in each epoch, without the incomplete last batch; `test` holds each
    image once. Both are less `mean` and divided by `deviation`, arrays that broadcast over (H, W, C).
    """

    name: str
    train: tf.data.Dataset = field(repr=False)
    test: tf.data.Dataset = field(repr=False)
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    train_count: int
    test_count: int
    source: str
    licence: str
    mean: np.ndarray = field(repr=False)
    deviation: np.ndarray = field(repr=False)
    _plain: dict = field(repr=False)

    def arrays(self, split):
        """Return the images of "train" or "test", not augmented, in a fixed order: x float32 and y int64."""
        is_split = split in self._plain
        checks.require(is_split, '`split` must be "train" or "test".', f"{split=}")
        x, y = zip(*self._plain[split].batch(256).as_numpy_iterator(), strict=True)
        return np.concatenate(x), np.concatenate(y)


def load(
    name,
    *,
    image_size=None,
    resize=None,
    pad=0,
    color=None,
    value_range=(0.0, 1.0),
    center=None,
    batch_size=64,
    augmentation=None,
    seed=0,
    train_count=None,
    test_count=None,
    drawing=None,
    splits=None,
    download=False,
):
    """Load a dataset for image classification as a train and a test pipeline.

    Args:
        name: "digits", "shapes", or a name in TFDS, with its config if it has one: "imagenette/160px-v2".
        image_size: side in pixels, or (height, width). Pictures are cut about their centre to this shape and
            resized (bicubic, antialiased). None keeps the size they have; shapes are then 64 x 64.
        resize: resize them to this first, no smaller than `image_size`, of which then the central part is
            left; in training it is the augmentation's window, if that has a `crop` or `area`. AlexNet and its
            followers resize to 256, for an input of 224. None: as `image_size`.
        pad: pixels of black added on each side after that. LeNet-5 sees MNIST's 28 x 28 with pad=2.
        color: "grayscale", "rgb", or None to keep what they have.
        value_range: the values of black and of white. LeNet-5 was trained with (-0.1, 1.175).
        center: what is subtracted from these values: None, nothing; "pixel", the mean of the training
            pictures at each pixel and channel; "channel", that of each channel. "standard" also divides by
            each channel's standard deviation. All are computed from the first 10,000 training pictures at
            most, not augmented.
        batch_size: images in a training batch; a test batch has the most up to this that divide their number.
        augmentation: an Augmentation, for the training pictures alone.
        seed: a whole number. The same one gives the same shapes, and, after the same
            `keras.utils.set_random_seed`, the same order and augmentation.
        train_count, test_count: how many images to keep, the first ones; of shapes, to draw (2,000 and 500).
        drawing: a Drawing, for shapes alone.
        splits: (train, test) in TFDS's notation, both with labels. None takes "train" and the first of "test"
            and "validation" that has labels, or 80 % and 20 % of "train".
        download: whether TFDS may download what is not yet prepared in the folder that the environment's
            TFDS_DATA_DIR names (or ~/tensorflow_datasets).

    Returns:
        A Dataset.

    Raises:
        ValueError: if an argument is invalid, or no dataset has that name.
        FileNotFoundError: if a dataset of TFDS is not prepared and `download` is False.
    """
    _check(name, color, center, batch_size, augmentation, seed, train_count, test_count, drawing, splits)
    size, stored = _sizes(image_size, resize, pad)
    black_and_white(value_range)
    if name == "digits":
        source = sources.digits()
    elif name == "shapes":
        source = sources.shapes(stored or (64, 64), train_count or 2000, test_count or 500, drawing, seed)
    else:
        source = sources.from_tfds(name, splits, download)
    stored, channels = _form(source, name, stored, color)
    window = tuple(side + 2 * pad for side in size or stored)

    prepare = _preparation(stored, pad, channels)
    train = _first(source.train, name, "train_count", train_count).map(prepare, tf.data.AUTOTUNE)
    test = _first(source.test, name, "test_count", test_count).map(prepare, tf.data.AUTOTUNE)
    train_count, test_count = len(train), len(test)
    required = f"`batch_size` must be at most {train_count}, all for training."
    checks.require(batch_size <= train_count, required, f"{batch_size=}")
    values = _Values.of(train, window, value_range, center)  # before the cache, which wants to be read whole
    train, test = _cached(train), _cached(test)

    def finish(x, y):
        return values(unit(central_part(x, window))), y

    def augment(batch, draw):
        x, y = batch
        return values(augmentation(x, draw, window)), y

    batches = _shuffled(train, seed).batch(batch_size, drop_remainder=True)
    if augmentation is None:
        batches = batches.map(finish, tf.data.AUTOTUNE)
    else:
        seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
        batches = tf.data.Dataset.zip(batches, seeds).map(augment, tf.data.AUTOTUNE)
    train = train.map(finish, tf.data.AUTOTUNE)
    test = test.map(finish, tf.data.AUTOTUNE)
    test_batch = max(size for size in range(1, batch_size + 1) if test_count % size == 0)
    return Dataset(
        name=name,
        train=_ready(batches, name),
        test=_ready(test.batch(test_batch, drop_remainder=True), name),
        class_names=source.class_names,
        image_shape=(*window, channels),
        train_count=train_count,
        test_count=test_count,
        source=source.origin,
        licence=source.licence,
        mean=values.mean,
        deviation=values.deviation,
        _plain={"train": train, "test": test},
    )


def _check(name, color, center, batch_size, augmentation, seed, train_count, test_count, drawing, splits):
    """Refuse arguments that no dataset could fit."""
    checks.require(isinstance(name, str), "`name` must be that of a dataset.", f"{name=}")
    checks.one_of("`color`", color, (None, *CHANNELS))
    checks.one_of("`center`", center, CENTERS)
    checks.whole("`batch_size`", batch_size, words="1 or more")
    is_known = isinstance(augmentation, Augmentation | None)
    checks.require(is_known, "`augmentation` must be an Augmentation or None.", f"{augmentation=}")
    checks.whole("`seed`", seed, 0, words="a whole number")
    if train_count is not None:
        checks.whole("`train_count`", train_count, words="1 or more")
    if test_count is not None:
        checks.whole("`test_count`", test_count, words="1 or more")
    for_shapes = drawing is None or name == "shapes"
    checks.require(for_shapes, "`drawing` must come with 'shapes'.", f"{name=}")
    for_tfds = splits is None or name not in SHIPPED
    checks.require(for_tfds, "`splits` must come with a dataset of TFDS.", f"{name=}")


def _sizes(image_size, resize, pad):
    """Return the (height, width) that `image_size` and `resize` ask for, None for what the pictures have."""
    checks.whole("`pad`", pad, 0, words="a whole number of pixels")
    size = None if image_size is None else checks.pair("`image_size`", image_size, words=PIXELS)
    if resize is None:
        return size, size
    stored = checks.pair("`resize`", resize, words=PIXELS)
    fits = size is not None and pad == 0 and size[0] <= stored[0] and size[1] <= stored[1]
    required = "`resize` must come with an `image_size` that is no larger, and without `pad`."
    checks.require(fits, required, f"{resize=}, {image_size=}, {pad=}")
    return size, stored


def black_and_white(value_range):
    """Return `value_range`, the values of black and of white, if it is such a pair."""
    is_range = checks.is_ordered(value_range, -np.inf, np.inf) and value_range[0] < value_range[1]
    required = "`value_range` must be (black, white), black < white."
    checks.require(is_range, required, f"{value_range=}")
    return value_range


def _form(source, name, size, color):
    """Return the (height, width) to which the pictures are resized, and their channels."""
    spec = source.train.element_spec[0]
    is_eight_bit = spec.dtype == tf.uint8 and spec.shape[-1] in (1, 3)
    received = f"{spec.dtype.name} {spec.shape}"
    checks.require(is_eight_bit, "The images must be 8-bit, grayscale or RGB.", received)
    is_sized = size is not None or None not in spec.shape
    required = f"`image_size` must be given: the images of {name!r} differ in size."
    checks.require(is_sized, required, "image_size=None")
    return size or tuple(spec.shape[:2]), CHANNELS.get(color, spec.shape[-1])


def _first(pictures, name, argument, count):
    """Return the first `count` pictures, or all."""
    if count is None:
        return pictures
    there = len(pictures)
    required = f"`{argument}` must be at most {there}, all of {name!r}."
    checks.require(count <= there, required, f"{argument}={count}")
    return pictures.take(count)


def _preparation(size, pad, channels):
    """Return the function that resizes, cuts, pads and colours (image, label), and keeps 8 bits."""

    def prepare(image, label):
        if image.shape[-1] != channels:
            recolor = tf.image.rgb_to_grayscale if channels == 1 else tf.image.grayscale_to_rgb
            image = recolor(image)
        if tuple(image.shape[:2]) != size:
            old = tf.shape(image)[:2]
            window = tf.minimum(old, [old[1] * size[0] // size[1], old[0] * size[1] // size[0]])
            top, left = tf.unstack((old - window) // 2)
            image = image[top : top + window[0], left : left + window[1]]
            image = tf.image.resize(image, size, "bicubic", antialias=True)
            image = tf.saturate_cast(tf.round(image), tf.uint8)
        image = tf.pad(image, [[pad, pad], [pad, pad], [0, 0]])
        image = tf.ensure_shape(image, (size[0] + 2 * pad, size[1] + 2 * pad, channels))
        return image, tf.cast(label, tf.int64)

    return prepare


@dataclass(frozen=True)
class _Values:
    """Turn pictures in [0, 1] into the values that a network gets."""

    black: float
    white: float
    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, pictures, window, value_range, center):
        """Return the values for these training pictures, of 8 bits; what is in the window counts."""
        black, white = value_range
        if center is None:
            return cls(black, white, np.float32(0), np.float32(1))
        few = pictures.take(CENTER_COUNT).map(lambda x, _: central_part(x, window))
        mean, square = _moments(few)
        if center != "pixel":
            mean, square = mean.mean((0, 1)), square.mean((0, 1))
        scale = (white - black) / 255
        deviation = 1
        if center == "standard":
            deviation = np.sqrt(np.maximum(square - mean**2, 1e-6)) * scale
        return cls(black, white, np.float32(mean * scale + black), np.float32(deviation))

    def __call__(self, x):
        return (x * (self.white - self.black) + self.black - self.mean) / self.deviation


def _moments(pictures):
    """Return the mean and the mean square of pictures (H, W, C) at each pixel and channel."""
    total, squares, count = 0.0, 0.0, 0
    for x in pictures.batch(64).as_numpy_iterator():
        x = x.astype("float64")
        total += x.sum(0)
        squares += np.square(x).sum(0)
        count += len(x)
    return total / count, squares / count


def _pixels(pictures):
    """Return the bytes of one prepared picture."""
    return pictures.element_spec[0].shape.num_elements()


def _cached(pictures):
    """Return the pictures, kept in memory from the first reading on if they fit."""
    fits = len(pictures) * _pixels(pictures) <= CACHE_BYTES
    return pictures.cache() if fits else pictures


def _shuffled(pictures, seed):
    """Return the pictures in a new order in each epoch, over as many as fit into the memory."""
    buffer = max(1, min(len(pictures), CACHE_BYTES // _pixels(pictures)))
    return pictures.shuffle(buffer, seed=seed, reshuffle_each_iteration=True)


def _ready(batches, name):
    """Return the batches with tf.data's options, read ahead."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    # Tuning costs few pictures 0.1 s at the end of each pass, for nothing.
    options.autotune.enabled = name not in SHIPPED
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options)
