"""The normalisation of AlexNet, ZFNet and GoogLeNet."""

import math

import numpy as np

from course_lib.backend import keras
from course_lib.checks import is_whole, require

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
        require(k > 0, "k must be positive.", f"k={k!r}")
        require(is_whole(n, 1) and n % 2 == 1, "n must be odd and positive.", f"n={n!r}")
        require(alpha >= 0, "alpha must not be negative.", f"alpha={alpha!r}")
        require(beta > 0, "beta must be positive.", f"beta={beta!r}")
        self.k = k
        self.n = n
        self.alpha = alpha
        self.beta = beta
        self.divide_alpha_by_n = divide_alpha_by_n

    def build(self, input_shape):
        # The sums over neighbours are a convolution over blocks of 16 maps (or what divides their number): a
        # matrix product would multiply by zeros for the most part, and slices pass through memory n times.
        self._block = math.gcd(input_shape[-1], 16)
        reach = math.ceil((self.n // 2) / self._block)
        maps = np.arange(-reach * self._block, (reach + 1) * self._block)
        are_neighbours = np.abs(maps[:, None] - np.arange(self._block)) <= self.n // 2
        self._kernel = are_neighbours.reshape(2 * reach + 1, self._block, self._block)

    def call(self, inputs):
        alpha = self.alpha / self.n if self.divide_alpha_by_n else self.alpha

        @keras.ops.custom_gradient  # the backend's own would go through memory more often
        def normalize(x):
            activity = self.k + self._sums(keras.ops.square(x), alpha)
            power = self._power(activity)
            y = x * power

            def gradient(upstream):
                return upstream * power - x * self._sums(upstream * y / activity, 2 * alpha * self.beta)

            return y, gradient

        return keras.ops.cast(normalize(keras.ops.cast(inputs, "float32")), self.compute_dtype)

    def _sums(self, x, factor):
        """Return `factor` times the sums over neighbouring maps, in the shape of `x`."""
        blocks = keras.ops.reshape(x, (-1, x.shape[-1] // self._block, self._block))
        kernel = factor * keras.ops.cast(self._kernel, "float32")
        sums = keras.ops.conv(blocks, kernel, padding="same", data_format="channels_last")
        return keras.ops.reshape(sums, keras.ops.shape(x))

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
