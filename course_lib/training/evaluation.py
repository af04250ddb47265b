"""Error rates as the papers print them: top-1 and top-5, from one view of each picture or from ten.

data = recipes.recipe("alexnet").data()
evaluation.evaluate(model, data.test)                         # {1: 0.41, 5: 0.18}: the central crop

data = recipes.recipe("alexnet").data(image_size=256, resize=None, augmentation=None)
evaluation.evaluate(model, data.test, crop_size=227)          # ten crops

evaluation.recompute_batch_statistics(model, data.train)      # first of all, after drop-path
"""

import collections

import numpy as np

from course_lib import graph
from course_lib.backend import keras
from course_lib.checks import is_whole, require
from course_lib.layers import EuclideanRBF

__all__ = ["evaluate", "predict_ten_crop", "recompute_batch_statistics", "ten_crop", "top_k_error"]

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
    shapes = f"labels {labels.dtype} {labels.shape}, scores {scores.shape}"
    fit = scores.ndim == 2 and labels.size == len(scores) > 0 and labels.dtype.kind in "iu"
    require(fit, "scores must be (N, classes), labels N whole numbers.", shapes)
    classes = scores.shape[1]
    require(
        is_whole(k, 1) and k <= classes, f"k must be from 1 to {classes}, the number of classes.", f"k={k!r}"
    )
    labels = labels.reshape(-1, 1)
    least, most = labels.min(), labels.max()
    is_class = least >= 0 and most < classes
    require(is_class, f"labels must be from 0 to {classes - 1}.", f"{least} to {most}")
    require(not np.isnan(scores).any(), "scores must be numbers.", "NaN")
    at_least = scores >= np.take_along_axis(scores, labels, axis=1)  # the class itself included
    return float(np.mean(at_least.sum(axis=1) > k))


def evaluate(model, batches, k=(1, 5), *, crop_size=None):
    """Return {k: top-k error in [0, 1]} of a model on a test pipeline.

    Of several heads the first counts, GoogLeNet's main one. Where the outputs are distances, LeNet-5's
    `EuclideanRBF`, the smallest wins.

    Args:
        model: compiled or not.
        batches: of pictures (N, H, W, C) and labels, as `data.load` makes them.
        k: one or several numbers, each from 1 to the number of classes.
        crop_size: side of the ten crops of each picture, see `predict_ten_crop`; None takes it as it is.

    Raises:
        ValueError: if there is no batch, or what `top_k_error` and `predict_ten_crop` raise.
    """
    labels, scores = [], []
    for x, y in batches:
        labels.append(np.reshape(keras.tree.flatten(y)[0], -1))
        scores.append(_predict(model, x) if crop_size is None else predict_ten_crop(model, x, crop_size))
    require(labels, "batches must hold a batch or more.", "none")
    sign = -1 if isinstance(model.layers[-1], EuclideanRBF) else 1
    all_labels, all_scores = np.concatenate(labels), sign * np.concatenate(scores)
    return {number: top_k_error(all_labels, all_scores, number) for number in np.atleast_1d(k).tolist()}


def recompute_batch_statistics(model, batches):
    """Give each BatchNormalization the mean and variance of its inputs with all paths open, over the data.

    After drop-path, the averages that training left are those of a thinned network, and evaluation, which
    opens all paths, can show several times the error (Larsson et al. 2017, section 3). So one does it with
    averaged weights, too, where it is called `bn_update` (Izmailov et al. 2018, section 3.2). Every other
    layer computes as in evaluation. Weights, seeds and momentum stay as they are, and so does a
    BatchNormalization that is frozen or was called with its own `training`.

    Args:
        model: functional or sequential. The averages are changed in place.
        batches: of pictures (N, H, W, C) and labels, which nothing reads, such as the training data without
            augmentation. Each batch's mean and variance counts by its number of pictures.

    Raises:
        ValueError: if there is no batch, or the model is neither functional nor sequential.
    """
    is_known = graph.is_model(model)
    require(is_known, "model must be functional or sequential.", type(model).__name__)
    momenta, pictures = {}, collections.Counter()
    read = 0
    try:
        for x, *_ in batches:
            _average(model, keras.tree.flatten(x), momenta, pictures)
            read += 1
    finally:
        for layer, momentum in momenta.items():
            layer.momentum = momentum
    require(read, "batches must hold a batch or more.", "none")


def _average(model, values, momenta, pictures):
    """Compute a batch, and count it in each BatchNormalization with the `pictures` that it counted before.

    A layer's own momentum is kept in `momenta`.
    """
    value_of = dict(zip(map(id, model.inputs), map(keras.ops.convert_to_tensor, values), strict=True))
    for step in graph.steps(model):
        layer = step.operation
        args, kwargs = step.arguments(value_of)
        if graph.is_model(layer):
            results = _average(layer, graph.given_inputs(layer, args, kwargs), momenta, pictures)
        else:
            if isinstance(layer, keras.layers.BatchNormalization) and "training" not in kwargs:
                kwargs["training"] = True
                momenta.setdefault(layer, layer.momentum)
                new = len(keras.tree.flatten((args, kwargs))[0])
                layer.momentum = pictures[layer] / (pictures[layer] + new)
                pictures[layer] += new
            results = keras.tree.flatten(layer(*args, **kwargs))
        value_of.update(zip(map(id, step.outputs), results, strict=True))
    return [value_of[id(tensor)] for tensor in model.outputs]


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
    shape = tuple(images.shape)
    fit = len(shape) == 4 and is_whole(size, 1) and size <= min(shape[1:3])
    received = f"images {shape}, size={size!r}"
    require(fit, "images must be (N, H, W, C) and at least `size` high and wide.", received)
    down, right = shape[1] - size, shape[2] - size
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
        are_probabilities = scores.min() >= 0 and np.allclose(scores.sum(axis=1), 1, atol=1e-2)
        required = "To be averaged over crops, outputs must be probabilities (a softmax)."
        require(are_probabilities, required, f"from {scores.min():.3g} to {scores.max():.3g}")
        predictions.append(scores.reshape(-1, 10, scores.shape[1]).mean(axis=1))
    return np.concatenate(predictions)


def _predict(model, x):
    """Return the main head's outputs, float32; with several replicas, each computes all of them."""
    outputs = keras.tree.flatten(model.predict_on_batch(x))[0]
    return np.asarray(outputs, "float32")[: len(x)]
