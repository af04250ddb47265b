"""Error rates as the papers print them: top-1 and top-5, from one view of each picture or from ten.

data = recipes.recipe("alexnet").data()
evaluation.evaluate(model, data.test)                         # {1: 0.41, 5: 0.18}: the central crop

data = recipes.recipe("alexnet").data(image_size=256, resize=None, augmentation=None)
evaluation.evaluate(model, data.test, crop_size=227)          # ten crops
"""

import numpy as np

from course_lib.backend import keras
from course_lib.layers import EuclideanRBF

__all__ = ["evaluate", "predict_ten_crop", "ten_crop", "top_k_error"]

PICTURES = 32  # whose ten crops go through the network at once


def top_k_error(labels, scores, k=1):
    """Return the share, in [0, 1], of pictures whose class is not among the k with the highest scores.

    A class of the same score counts as higher: a network that gives the same for all has learnt nothing, and
    its error is 1.

    Args:
        labels: whole numbers (N,) or (N, 1), from 0.
        scores: (N, classes), the highest wins.
        k: 1 to the number of classes.

    Raises:
        ValueError: if an argument is not as above, or a score is not a number.
    """
    labels, scores = np.asarray(labels), np.asarray(scores)
    if scores.ndim != 2 or labels.size != len(scores) or labels.dtype.kind not in "iu" or not len(scores):
        shapes = f"labels {labels.dtype} {labels.shape}, scores {scores.shape}"
        raise ValueError(f"scores must be (N, classes), labels N whole numbers. Received: {shapes}")
    classes = scores.shape[1]
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= classes:
        raise ValueError(f"k must be from 1 to {classes}, the number of classes. Received: k={k!r}")
    labels = labels.reshape(-1, 1)
    if labels.min() < 0 or labels.max() >= classes:
        received = f"{labels.min()} to {labels.max()}"
        raise ValueError(f"labels must be from 0 to {classes - 1}. Received: {received}")
    if np.isnan(scores).any():
        raise ValueError("scores must be numbers. Received: NaN")
    at_least = scores >= np.take_along_axis(scores, labels, axis=1)  # the class itself included
    return float(np.mean(at_least.sum(axis=1) > k))


def evaluate(model, batches, k=(1, 5), *, crop_size=None):
    """Return {k: top-k error in [0, 1]} of a model on a test pipeline.

    Of several heads the first counts, GoogLeNet's main one. Where the outputs are distances, LeNet-5's
    `EuclideanRBF`, the smallest wins.

    Args:
        model: compiled or not.
        batches: of pictures (N, H, W, C) and labels, as `datasets.load` makes them.
        k: one or several numbers, each from 1 to the number of classes.
        crop_size: side of the ten crops of each picture, see `predict_ten_crop`; None takes it as it is.

    Raises:
        ValueError: if there is no batch, or what `top_k_error` and `predict_ten_crop` raise.
    """
    labels, scores = [], []
    for x, y in batches:
        labels.append(np.reshape(keras.tree.flatten(y)[0], -1))
        scores.append(_predict(model, x) if crop_size is None else predict_ten_crop(model, x, crop_size))
    if not labels:
        raise ValueError("batches must hold a batch or more. Received: none")
    labels, scores = np.concatenate(labels), np.concatenate(scores)
    scores = -scores if isinstance(model.layers[-1], EuclideanRBF) else scores
    return {number: top_k_error(labels, scores, number) for number in np.atleast_1d(k).tolist()}


def ten_crop(images, size):
    """Return the four corners and the centre of pictures, and their mirror images (Krizhevsky 2012, 4.1).

    Args:
        images: (N, H, W, C), at least `size` high and wide.
        size: side in pixels.

    Returns:
        (N, 10, size, size, C): top left, top right, bottom left, bottom right, centre, the same mirrored.

    Raises:
        ValueError: if the pictures are smaller.
    """
    images = keras.ops.convert_to_tensor(images)
    sides = tuple(images.shape[1:3])
    if len(images.shape) != 4 or not isinstance(size, int) or not 1 <= size <= min(sides):
        received = f"images {tuple(images.shape)}, size={size!r}"
        raise ValueError(
            f"images must be (N, H, W, C) and at least `size` high and wide. Received: {received}"
        )
    down, right = sides[0] - size, sides[1] - size
    places = ((0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2))
    crops = [images[:, top : top + size, left : left + size] for top, left in places]
    return keras.ops.stack([*crops, *(keras.ops.flip(crop, axis=2) for crop in crops)], axis=1)


def predict_ten_crop(model, images, size):
    """Return the probabilities (N, classes), averaged over the `ten_crop` of each picture.

    Raises:
        ValueError: if the pictures are smaller than `size`, or the outputs are no probabilities.
    """
    predictions = []
    for start in range(0, len(images), PICTURES):
        crops = ten_crop(images[start : start + PICTURES], size)
        scores = _predict(model, keras.ops.reshape(crops, (-1, *crops.shape[2:])))
        if scores.min() < 0 or not np.allclose(scores.sum(axis=1), 1, atol=1e-2):
            raise ValueError(
                "To be averaged over crops, outputs must be probabilities (a softmax). "
                f"Received: from {scores.min():.3g} to {scores.max():.3g}"
            )
        predictions.append(scores.reshape(-1, 10, scores.shape[1]).mean(axis=1))
    return np.concatenate(predictions)


def _predict(model, x):
    """Return the main head's outputs, float32; with several replicas, each computes all of them."""
    outputs = keras.tree.flatten(model.predict_on_batch(x))[0]
    return np.asarray(outputs, "float32")[: len(x)]
