"""Keras's convolution, computed otherwise where that is many times slower, or ends the process."""

import numpy as np

from course_lib.backend import computes_on_cpu, keras
from course_lib.checks import require

__all__ = ["NARROW", "Conv2D"]

NARROW = 16  # channels: with fewer, a convolution takes about as long, and oneDNN's may fail


@keras.saving.register_keras_serializable(package="course_lib")
class Conv2D(keras.layers.Conv2D):
    """Convolve as `keras.layers.Conv2D` does: the same arguments, weights, initial values and results.

    Only the way there differs, by TensorFlow on a CPU, in two places; elsewhere it is Keras's own.

    - Groups (AlexNet's towers, ResNeXt) are convolved one by one and the results concatenated; narrow groups
      are first put together, up to 16 channels, as one convolution whose kernel is zero between them. A
      training step is tens of times as fast (`groups8` in benchmarks/README.md). An infinite value reaches
      the groups that its own is put together with.
    - A 1x1 kernel with strides (a projection shortcut), outside `tf.function`, is applied without strides to
      the positions that count. Keras's way, the gradient of fewer than 16 maps of even size, for an odd
      number of pictures such as one, writes past its memory, which ends the process (TensorFlow 2.21 with
      oneDNN; TF_ENABLE_ONEDNN_OPTS=0 in the environment, or an even number, avoids it).

    Raises:
        ValueError: when it is built, if `data_format` is "channels_first"; otherwise as Keras.
    """

    def build(self, input_shape):
        is_last = self.data_format == "channels_last"
        require(is_last, 'data_format must be "channels_last".', f"data_format={self.data_format!r}")
        super().build(input_shape)

    def convolution_op(self, inputs, kernel):
        if self.kernel_size == (1, 1) and max(self.strides) > 1 and computes_on_cpu(eagerly=True):
            inputs = inputs[:, :: self.strides[0], :: self.strides[1]]
            return self._by_groups(inputs, kernel, strides=1)
        if self.groups > 1 and computes_on_cpu():
            return self._by_groups(inputs, kernel, self.strides)
        return super().convolution_op(inputs, kernel)

    def _by_groups(self, inputs, kernel, strides):
        together = _most_together(self.groups, max(kernel.shape[2], self.filters // self.groups))
        if together > 1:
            kernel = self._block_diagonal(kernel, together)
        blocks = self.groups // together
        inputs = keras.ops.split(inputs, blocks, axis=-1)
        kernels = keras.ops.split(kernel, blocks, axis=-1)
        options = {"strides": strides, "padding": self.padding, "dilation_rate": self.dilation_rate}
        options["data_format"] = "channels_last"
        outputs = [keras.ops.conv(*pair, **options) for pair in zip(inputs, kernels, strict=True)]
        return keras.ops.concatenate(outputs, axis=-1)

    def _block_diagonal(self, kernel, together):
        """Return a kernel in which every filter reads this many groups, with zeros but for its own."""
        inputs = np.repeat(np.arange(together), kernel.shape[2])
        filters = np.arange(self.filters) // (self.filters // self.groups) % together
        is_own = keras.ops.cast(inputs[:, None] == filters, kernel.dtype)
        return keras.ops.tile(kernel, (1, 1, together, 1)) * is_own


def _most_together(groups, channels):
    """Return how many groups of so many channels make a convolution of 16 or fewer: a divisor of `groups`."""
    fitting = (m for m in range(1, NARROW // channels + 1) if groups % m == 0)
    return max(fitting, default=1)
