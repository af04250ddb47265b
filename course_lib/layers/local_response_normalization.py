"""The normalisation of AlexNet, ZFNet and GoogLeNet."""

import numpy as np

from course_lib.backend import keras

__all__ = ["LocalResponseNormalization"]


@keras.saving.register_keras_serializable(package="course_lib")
class LocalResponseNormalization(keras.layers.Layer):
    """Divide each value by the activity of the `n` maps around its own, at the same position.

        y_i = x_i / (k + alpha * sum of x_j^2 over |j - i| <= n / 2) ^ beta

    At the first and last maps the sum has fewer terms. Source: Krizhevsky, Sutskever, Hinton 2012, section
    3.3, with its constants. The same as `tf.nn.local_response_normalization` with depth_radius = (n - 1) / 2
    and bias = k. The sums are computed in float32 whatever the precision: squares overflow in half.

    Args:
        k: a positive number.
        n: an odd number of maps, the own one in the middle.
        alpha: a number that is not negative.
        beta: a positive number.
        divide_alpha_by_n: the convention of Caffe and Torch; False is the paper's.

    Input shape: `(..., C)`. Output shape: the same. No parameters.

    Raises:
        ValueError: if a constant is not as described.
    """

    def __init__(self, k=2.0, n=5, alpha=1e-4, beta=0.75, divide_alpha_by_n=False, **kwargs):
        super().__init__(**kwargs)
        if not k > 0:
            raise ValueError(f"k must be positive. Received: k={k!r}")
        if not isinstance(n, int) or n < 1 or n % 2 == 0:
            raise ValueError(f"n must be odd and positive. Received: n={n!r}")
        if not alpha >= 0:
            raise ValueError(f"alpha must not be negative. Received: alpha={alpha!r}")
        if not beta > 0:
            raise ValueError(f"beta must be positive. Received: beta={beta!r}")
        self.k = k
        self.n = n
        self.alpha = alpha
        self.beta = beta
        self.divide_alpha_by_n = divide_alpha_by_n

    def build(self, input_shape):
        # Multiplied by this band of ones, a vector of channels becomes the sums over neighbouring channels.
        channels = np.arange(input_shape[-1])
        self._band = np.abs(channels[:, None] - channels) <= self.n // 2

    def call(self, inputs):
        x = keras.ops.cast(inputs, "float32")
        band = keras.ops.cast(self._band, "float32")
        alpha = self.alpha / self.n if self.divide_alpha_by_n else self.alpha
        activity = self.k + alpha * keras.ops.matmul(keras.ops.square(x), band)
        return keras.ops.cast(x * self._power(activity), self.compute_dtype)

    def _power(self, activity):
        """Return `activity ** -beta`."""
        if self.beta != 0.75:
            return keras.ops.power(activity, -self.beta)
        root = keras.ops.rsqrt(activity)  # far cheaper than a power
        return root * keras.ops.sqrt(root)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "k": self.k,
            "n": self.n,
            "alpha": self.alpha,
            "beta": self.beta,
            "divide_alpha_by_n": self.divide_alpha_by_n,
        }
