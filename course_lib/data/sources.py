"""Open the pictures that `load` prepares: digits and shapes, which ship, and any dataset of TFDS."""

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_lib import checks
from course_lib.backend import keras  # noqa: F401  (first: it imports TensorFlow without its noise)
from course_lib.data.shapes import SHAPES, draw_shapes

# isort: split
import tensorflow as tf

__all__ = ["Source", "digits", "from_tfds", "shapes"]

LABELS_READ = 100  # of a split, to see whether it has labels


@dataclass(frozen=True)
class Source:
    """Pictures as they come: tf.data of (uint8 image, label), and what is known of them."""

    train: tf.data.Dataset
    test: tf.data.Dataset
    class_names: tuple[str, ...]
    origin: str
    licence: str


def digits():
    """Return scikit-learn's 1,797 scans of 8 x 8: 36 of each digit for testing, the other 1,437 for training.

    In both, the classes take turns: the first images of either are a balanced subset.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = np.round(bunch.images[..., None] * (255 / 16)).astype("uint8")
    y = bunch.target
    order = np.random.default_rng(0).permutation(len(y))  # fixed: the split does not depend on load's seed
    turn = np.empty(len(y), int)  # how many of the same class come before
    for label in range(10):
        turn[order[y[order] == label]] = np.arange(np.sum(y == label))
    order = order[np.argsort(turn[order], kind="stable")]
    test, train = (tf.data.Dataset.from_tensor_slices((x[part], y[part])) for part in np.split(order, [360]))
    return Source(
        train,
        test,
        class_names=tuple("0123456789"),
        origin="E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, test part, UCI "
        "Machine Learning Repository, https://doi.org/10.24432/C50P49, as packed in scikit-learn",
        licence="CC BY 4.0",
    )


def shapes(image_size, train_count, test_count, drawing, seed):
    """Return shapes drawn now, others for testing than for training."""
    train, test = (
        tf.data.Dataset.from_tensor_slices(draw_shapes(count, image_size, drawing, seed=(seed, part)))
        for part, count in enumerate((train_count, test_count))
    )
    return Source(train, test, SHAPES, origin="drawn by course_lib.data", licence="MIT")


def from_tfds(name, splits, download):
    """Return a dataset of TFDS, from the folder where it was prepared.

    Raises:
        ValueError: if there is none of that name, or it is not of pictures with a label each, or `splits` are
            not two of it that have labels.
        FileNotFoundError: if it is not prepared and `download` is False.
    """
    import tensorflow_datasets as tfds

    folder = Path(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()
    try:
        builder = tfds.builder(name, data_dir=folder)
    except (tfds.core.DatasetNotFoundError, ValueError, AssertionError):
        raise ValueError(_what_names_there_are(name)) from None
    info = builder.info
    pair = info.supervised_keys and len(info.supervised_keys) == 2
    image, label = (info.features[key] for key in info.supervised_keys) if pair else (None, None)
    classifies = isinstance(image, tfds.features.Image) and isinstance(label, tfds.features.ClassLabel)
    checks.require(classifies, "A dataset must pair one image with one class label.", f"{name=}")
    if not (builder.data_path / "dataset_info.json").exists():
        if not download:
            raise FileNotFoundError(_how_to_prepare(name, folder, builder.data_path))
        builder.download_and_prepare()
    read = tfds.ReadConfig(try_autocache=False)  # load caches what it has resized
    train, test = (
        builder.as_dataset(split=split, as_supervised=True, read_config=read)
        for split in _labelled_splits(builder, splits)
    )
    return Source(
        train,
        test,
        class_names=tuple(label.names),
        origin=info.homepage or info.citation or "see source",
        licence=info.redistribution_info.license or "see source",
    )


def _what_names_there_are(name):
    """Return what a name must be, with those that are near."""
    import tensorflow_datasets as tfds

    base = name.split("/")[0].split(":")[0]
    known = tfds.list_builders(with_community_datasets=False)
    near = difflib.get_close_matches(base.lower(), ["digits", "shapes", *known], n=5)
    if base in known:
        near = [f"{base}/{config.name}" for config in tfds.builder_cls(base).BUILDER_CONFIGS] or [base]
    return (
        "`name` must be 'digits', 'shapes' or an image classification dataset of TFDS, such as 'mnist', "
        "'fashion_mnist', 'cifar10', 'cifar100', 'svhn_cropped' or 'imagenette/160px-v2' (all: "
        f"https://www.tensorflow.org/datasets/catalog/overview). Received: {name!r}"
        + (f"; did you mean {' or '.join(map(repr, near))}?" if near else "")
    )


def _how_to_prepare(name, folder, missing):
    return (
        f"{name!r} must be prepared once, with a network. Received: nothing in {missing}\n"
        f"With a network, call load({name!r}, download=True), or run\n"
        f'    python -c "import tensorflow_datasets as tfds; '
        f'tfds.builder({name!r}, data_dir={str(folder)!r}).download_and_prepare()"\n'
        f"Without one, copy the prepared folder {name.split('/')[0]!r} from another machine, and set "
        "the environment variable TFDS_DATA_DIR to the folder that contains it."
    )


def _labelled_splits(builder, splits):
    """Return the splits for training and for testing, which have labels."""
    import tensorflow_datasets as tfds

    if splits is None:
        held_out = [name for name in ("test", "validation") if name in builder.info.splits]
        held_out = [name for name in held_out if _not_a_class(builder, name) is None]
        splits = ("train", held_out[0]) if held_out else ("train[:80%]", "train[80%:]")
    else:
        is_pair = isinstance(splits, (tuple, list)) and len(splits) == 2
        are_named = is_pair and all(isinstance(split, (str, tfds.core.ReadInstruction)) for split in splits)
        required = "`splits` must be two, (train, test), in TFDS's notation."
        checks.require(are_named, required, f"{splits=}")
    for split in splits:
        try:
            unknown = _not_a_class(builder, split)
        except (ValueError, AssertionError, NotImplementedError, tf.errors.FailedPreconditionError):
            named = ", ".join(map(repr, builder.info.splits))
            required = f"`splits` must be made of {named}, in TFDS's notation."
            raise ValueError(f"{required} Received: splits={splits!r}") from None
        is_labelled = unknown is None
        checks.require(
            is_labelled, "A split must have labels.", f"split {split!r}, with {unknown} for a label"
        )
    return splits


def _not_a_class(builder, split):
    """Return the first label of a split that is no class, or None; -1 stands where the authors keep them.

    Older versions of a dataset put the number of the classes there.
    """
    import tensorflow_datasets as tfds

    image, label = builder.info.supervised_keys
    options = {
        "decoders": {image: tfds.decode.SkipDecoding()},
        "read_config": tfds.ReadConfig(try_autocache=False),  # only the first are read
    }
    raw = builder.as_dataset(split=split, **options)
    labels = (int(example[label]) for example in raw.take(LABELS_READ))
    classes = range(builder.info.features[label].num_classes)
    return next((number for number in labels if number not in classes), None)
