"""How large the signals are that pass a network: forward from the input, and the gradient back."""

import numpy as np
import tensorflow as tf

from course_lib.backend import keras
from course_lib.checks import require

__all__ = ["branch_lengths", "gradient_norms", "output_gradient_norms"]

CROSS_ENTROPY = "sparse_categorical_crossentropy"


def gradient_norms(model, x, y, *, loss=CROSS_ENTROPY, loss_weights=None, training=True):
    """Return name -> length of the loss's gradient in the kernel of each layer, from the input on.

    The model stays as it is: BatchNormalization counts nothing, and dropout's generators go no further.

    Args:
        model: functional or sequential; it needs no compiling.
        x: inputs (N, ...), for example pictures (N, H, W, C).
        y: labels as the loss takes them, the same for every head.
        loss: a Keras loss or its name; its mean over the examples counts.
        loss_weights: of the heads, such as (1, 0.3, 0.3) for GoogLeNet; None is 1 for each.
        training: whether dropout drops and BatchNormalization normalises by the batch.

    Raises:
        ValueError: if there is not a weight for each head.
    """
    heads = len(model.outputs)
    weights = [1.0] * heads if loss_weights is None else list(loss_weights)
    required = f"loss_weights must have a number for each of the {heads} heads."
    require(len(weights) == heads, required, f"loss_weights={loss_weights!r}")
    kernels = {layer.name: layer.kernel.value for layer in model.layers if hasattr(layer, "kernel")}
    compare = keras.losses.get(loss)
    with tf.GradientTape() as tape:
        tape.watch(list(kernels.values()))  # those that are not trainable, too
        with keras.StatelessScope():  # what the layers write is forgotten at its end
            outputs = keras.tree.flatten(model(x, training=training))
        losses = [tf.reduce_mean(compare(y, output)) for output in outputs]
        total = sum(weight * value for weight, value in zip(weights, losses, strict=True))
    gradients = tape.gradient(total, kernels, unconnected_gradients="zero")
    return {name: float(tf.norm(gradient)) for name, gradient in gradients.items()}


def output_gradient_norms(model, names, x, y, *, training=True):
    """Return name -> length of the cross-entropy's gradient in the output of each of the named layers.

    Unlike a kernel's gradient it says how much comes back to a place: without biases and normalisation a
    network of ReLUs has kernels of like gradients, wherever the signal grows or vanishes. The model stays as
    it is.

    Args:
        model: functional, of one output, probabilities; it needs no compiling.
        names: of its layers, such as the last one of each block.
        x, y, training: as for `gradient_norms`.
    """
    probe = keras.Model(model.input, [*(model.get_layer(name).output for name in names), model.output])
    compare = keras.losses.get(CROSS_ENTROPY)
    with tf.GradientTape() as tape:
        tape.watch([layer.kernel.value for layer in model.layers if hasattr(layer, "kernel")])
        with keras.StatelessScope():
            *outputs, answer = probe(x, training=training)
        loss = tf.reduce_mean(compare(y, answer))
    gradients = tape.gradient(loss, outputs)
    return {name: float(tf.norm(gradient)) for name, gradient in zip(names, gradients, strict=True)}


def branch_lengths(model, x, *, training=False):
    """Return the lengths of x, F(x) and F(x) + x in each residual block, as a dict of arrays `(blocks,)`.

    Args:
        model: functional; its blocks add by `Add()([shortcut, branch])`.
        x: pictures (N, H, W, C).
        training: whether BatchNormalization normalises by the batch; it counts nothing.
    """
    sums = [layer for layer in model.layers if isinstance(layer, keras.layers.Add)]
    tensors = [tensor for layer in sums for tensor in (*layer.input, layer.output)]
    require(tensors, "model must have blocks that add a shortcut and a branch.", f"model={model.name}")
    with keras.StatelessScope():
        values = keras.Model(model.input, tensors)(x, training=training)
    lengths = np.array([float(tf.norm(value)) for value in values])
    return {"x": lengths[0::3], "F(x)": lengths[1::3], "F(x) + x": lengths[2::3]}
