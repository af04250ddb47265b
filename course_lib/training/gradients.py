"""How large the gradient is that reaches each layer."""

import tensorflow as tf

from course_lib.backend import keras
from course_lib.checks import require

__all__ = ["gradient_norms"]

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
