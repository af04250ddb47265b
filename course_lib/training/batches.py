"""What `fit` accepts as data, and how many equal parts its batches have."""

import dataclasses
import reprlib
import sys
import zlib

import numpy as np

from course_lib.backend import keras
from course_lib.checks import require, whole

__all__ = [
    "Feed",
    "feed",
    "fingerprint",
    "first",
    "is_pipeline",
    "like",
    "pair",
    "skip",
    "test_batches",
    "train_batches",
]

ACCEPTED = "a batched tf.data.Dataset, a keras.utils.PyDataset or a tuple (x, y) of arrays"


@dataclasses.dataclass(frozen=True)
class Feed:
    """The batches of a training, how many there are, and how large those of the training data are."""

    train: object
    steps: int
    size: int | None  # None if it varies
    test: object
    test_steps: int
    test_sizes: str | None  # as `test_batches` says


def pair(data):
    """Return (train, test) of a `data.Dataset` or a pair. Raise ValueError if `data` is neither."""
    is_pair = isinstance(data, tuple | list)
    parts = data if is_pair else [getattr(data, name, None) for name in ("train", "test")]
    fit = len(parts) == 2 and parts[0] is not None
    required = f"`data` must be a Dataset or a pair (train, test), each {ACCEPTED}."
    require(fit, required, f"data={reprlib.repr(data)}")
    return parts


def feed(data, batch_size, replicas):
    """Return the `Feed` of what `pair` accepts.

    Raises:
        ValueError: if the data are not as `fit` says, or the replicas would get unequal parts.
    """
    train, test = pair(data)
    train, steps, size = train_batches(train, batch_size, replicas)
    test, test_steps, sizes = (None, 0, None) if test is None else test_batches(test, batch_size, replicas)
    return Feed(train, steps, size, test, test_steps, sizes)


def fingerprint(data, feed):
    """Return as JSON data what tells these data from others: name, batches, and the checksums of arrays."""
    known = {"of": getattr(data, "name", None), "size": feed.size, "steps": feed.steps}
    for name, part in zip(("train", "test"), pair(data), strict=True):
        if isinstance(part, tuple):
            known[f"{name}_crc32"] = checksum(part)
    return known


def checksum(arrays):
    """Return a number that tells arrays from others."""
    crc = 0
    for array in map(np.asarray, arrays):
        crc = zlib.crc32(np.ascontiguousarray(array).reshape(-1).view("uint8"), crc)
    return crc


def train_batches(data, batch_size, replicas):
    """Return (batches, their number, their size): shuffled if they were arrays, no batch a ragged one.

    Raises:
        ValueError: if the data are not as `fit` says, or the replicas would get unequal parts.
    """
    data = _batched("training", data, batch_size, shuffle=True)
    count, size = _check("training", data)
    equal = replicas == 1 or (size is not None and size % replicas == 0)
    require(
        equal,
        f"The {replicas} replicas need equal parts of every training batch: a batch size that {replicas} "
        "divides, and `drop_remainder=True`.",
        f"batches of {size or 'varying size'}",
    )
    return data, count, size


def test_batches(data, batch_size, replicas):
    """Return (batches, their number, sizes): the same examples, in batches that leave no replica empty.

    Sizes are "equal"; "new", equal and perhaps not those of `data`; or "ragged", the last one's is smaller.
    """
    data = _batched("test", data, batch_size, shuffle=False, parts=replicas)
    count, size = _check("test", data)
    if replicas == 1 or (size and size % replicas == 0):
        return data, count, "equal"
    required = f"The {replicas} replicas need equal parts of every test batch."
    require(is_pipeline(data), required, f"batches of {size or 'varying size'}")
    examples = size * count if size else sum(len(_first(batch)) for batch in data)
    for new in range(min(max(size or 0, 64), examples) // replicas * replicas, 0, -replicas):
        # TensorFlow deals a smaller last batch out from the front, in parts as large as those of the others
        # or, within one process, as equal as can be; JAX wants equal ones.
        enough = new // replicas * (replicas - 1) if keras.backend.backend() == "tensorflow" else new
        if examples % new == 0 or examples % new > enough:
            tf = sys.modules["tensorflow"]
            count = -(-examples // new)
            new_batches = data.rebatch(new).apply(tf.data.experimental.assert_cardinality(count))
            return new_batches, count, "ragged" if examples % new else "new"
    raise ValueError(
        f"The {replicas} replicas need an example each of every test batch: a number of examples that "
        f"{replicas} divides always works. Received: {examples} examples"
    )


def like(data):
    """Return a batch, or the `element_spec` of a pipeline, whose order stays as it is."""
    return data.element_spec if is_pipeline(data) else data[0]


def first(data):
    """Return the first batch; a pipeline uses up an order of its examples."""
    return next(iter(data)) if is_pipeline(data) else data[0]


def skip(data, epochs):
    """Use up the orders of these epochs."""
    for _ in range(epochs):
        if is_pipeline(data):
            next(iter(data))
        else:
            data.on_epoch_begin()
            data.on_epoch_end()


class _Arrays(keras.utils.PyDataset):
    """Batches of arrays, in an order that the number of the epoch decides."""

    def __init__(self, arrays, batch_size, shuffle):
        super().__init__()
        self.arrays = arrays
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.epoch = -1
        self.on_epoch_end()

    def __len__(self):
        examples = len(self.arrays[0])
        return examples // self.batch_size if self.shuffle else -(-examples // self.batch_size)

    def __getitem__(self, index):
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return tuple(array[rows] for array in self.arrays)

    def on_epoch_end(self):
        self.epoch += 1
        self.order = np.arange(len(self.arrays[0]))
        if self.shuffle:
            np.random.default_rng(self.epoch).shuffle(self.order)


def _batched(name, data, batch_size, *, shuffle, parts=1):
    if not isinstance(data, tuple):
        required = f"`batch_size` belongs to arrays; other {name} data bring their own batches."
        require(batch_size is None, required, f"batch_size={batch_size!r}")
        return data
    size = 64 if batch_size is None else whole("`batch_size`", batch_size)
    arrays = tuple(np.asarray(array) for array in data)
    fit = len(arrays) in (2, 3) and len({array.shape[:1] for array in arrays}) == 1 and arrays[0].ndim > 0
    required = f"The {name} arrays must be x and y, or x, y and sample weights, one entry an example."
    require(fit, required, f"shapes {', '.join(str(array.shape) for array in arrays)}")
    examples = len(arrays[0])
    require(examples, f"The {name} arrays must have an example or more.", "0 examples")
    if not shuffle:
        size = next((n for n in range(min(size, examples), 0, -1) if examples % n == n % parts == 0), size)
    if keras.backend.backend() != "tensorflow":
        return _Arrays(arrays, size, shuffle)
    import tensorflow as tf

    pipeline = tf.data.Dataset.from_tensor_slices(arrays)
    if shuffle:
        pipeline = pipeline.shuffle(examples, seed=0)
    options = tf.data.Options()
    options.autotune.enabled = False  # nothing to tune, and it would hold up the end of every epoch by 0.1 s
    return pipeline.batch(size, drop_remainder=shuffle).with_options(options)


def is_pipeline(data):
    """Return whether these are tf.data, without importing TensorFlow: who made them has done so."""
    return "tensorflow" in sys.modules and isinstance(data, sys.modules["tensorflow"].data.Dataset)


def _check(name, data):
    """Return the number of the batches and their size, None if it varies."""
    if is_pipeline(data):
        count, size = int(data.cardinality()), _first(data.element_spec).shape[0]
    elif isinstance(data, keras.utils.PyDataset):
        count = len(data)
        sizes = {len(_first(data[index])) for index in {0, count - 1}} if count else {0}
        size = sizes.pop() if len(sizes) == 1 else None
    else:
        raise ValueError(f"The {name} data must be {ACCEPTED}. Received: {type(data).__name__}")
    require(
        count is not None and count >= 1,
        f"The {name} data must have a known number of batches, 1 or more (`.repeat()` never ends; "
        "`drop_remainder` leaves none of a batch larger than the data).",
        f"cardinality={count}",
    )
    return count, size


def _first(batch):
    return keras.tree.flatten(batch)[0]
