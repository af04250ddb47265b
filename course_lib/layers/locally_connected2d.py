"""A convolution without shared weights."""

import math

from course_lib.backend import keras
from course_lib.checks import pair, whole
from course_lib.layers._windows import output_sizes

__all__ = ["LocallyConnected2D"]


@keras.saving.register_keras_serializable(package="course_lib")
class LocallyConnected2D(keras.layers.Layer):
    """Look at small windows as `Conv2D` does, with other weights at each position (Keras 3 no longer has it).

    This is what a convolution would be without weight sharing (LeCun et al. 1998, section II.A): as many
    connections, many times the parameters, and a feature learned at one place is unknown at the next.

    Args:
        filters: number of output maps.
        kernel_size: height and width, one integer or a pair.
        strides: one integer or a pair.
        activation: None leaves the result linear.
        use_bias: whether every output unit has a bias.
        kernel_initializer: draws the weights of every unit by its own number of inputs.
        bias_initializer: initial bias.

    Input shape: `(N, H, W, C)` with known H, W and C. Output shape: `(N, H', W', filters)`; padding is
    "valid". The kernel's shape is `(H', W', height * width * C, filters)`, the bias's `(H', W', filters)`.

    Raises:
        ValueError: if a size is no positive integer, or if the input is smaller than the kernel or of
            unknown size.
    """

    def __init__(
        self,
        filters,
        kernel_size,
        *,
        strides=1,
        activation=None,
        use_bias=True,
        kernel_initializer="lecun_uniform",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = whole("filters", filters, words="a positive integer")
        self.kernel_size = pair("kernel_size", kernel_size)
        self.strides = pair("strides", strides)
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def build(self, input_shape):
        sizes = self.compute_output_shape(input_shape)[1:3]
        if None in (*sizes, input_shape[-1]):
            raise ValueError(
                f"height, width and channels must be known, since every position has weights. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        window = (*self.kernel_size, input_shape[-1])

        def initial_kernel(shape, dtype=None):
            # The initialiser sees an ordinary kernel, so that its fan-in is one window, not the whole image.
            drawn = self.kernel_initializer((*window, math.prod(sizes) * self.filters), dtype=dtype)
            drawn = keras.ops.reshape(drawn, (math.prod(window), *sizes, self.filters))
            return keras.ops.transpose(drawn, (1, 2, 0, 3))

        self.kernel = self.add_weight(
            name="kernel", shape=(*sizes, math.prod(window), self.filters), initializer=initial_kernel
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(*sizes, self.filters), initializer=self.bias_initializer
            )

    def call(self, inputs):
        windows = keras.ops.image.extract_patches(
            inputs, self.kernel_size, strides=self.strides, padding="valid", data_format="channels_last"
        )
        outputs = keras.ops.einsum("nhwi,hwio->nhwo", windows, self.kernel)
        return self.activation(outputs + self.bias if self.use_bias else outputs)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *output_sizes(input_shape, self.kernel_size, self.strides), self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }
