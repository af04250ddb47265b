"""The trainable subsampling of LeNet-5."""

from course_lib.backend import keras
from course_lib.checks import pair
from course_lib.layers._windows import output_sizes

__all__ = ["Subsampling2D"]


@keras.saving.register_keras_serializable(package="course_lib")
class Subsampling2D(keras.layers.Layer):
    """Add up each window, times one trainable coefficient a map, plus one trainable bias a map.

    The windows do not overlap; rows and columns that fill no window are left out. An average with as many
    times the coefficient as the window has pixels computes the same. Source: S2 of LeCun et al. 1998, section
    II.B.

    Args:
        pool_size: height and width of the window, one integer or a pair.
        activation: squashes the result; None leaves it linear.
        coefficient_initializer: None starts from the average, 1 / (pixels of a window).
        bias_initializer: initial bias.

    Input shape: `(N, H, W, C)`. Output shape: `(N, H // pool height, W // pool width, C)`. Parameters: 2C.

    Raises:
        ValueError: if `pool_size` is no positive integer or pair, or larger than the input.
    """

    def __init__(
        self,
        pool_size=2,
        *,
        activation=None,
        coefficient_initializer=None,
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.pool_size = pair("pool_size", pool_size)
        self.activation = keras.activations.get(activation)
        self.coefficient_initializer = keras.initializers.get(coefficient_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    @property
    def pixels(self):
        """Return the number of pixels of one window."""
        return self.pool_size[0] * self.pool_size[1]

    def build(self, input_shape):
        output_sizes(input_shape, self.pool_size, self.pool_size)  # refuses an input smaller than the window
        self.coefficient = self.add_weight(
            name="coefficient",
            shape=(input_shape[-1],),
            initializer=self.coefficient_initializer or keras.initializers.Constant(1 / self.pixels),
        )
        self.bias = self.add_weight(name="bias", shape=(input_shape[-1],), initializer=self.bias_initializer)

    def call(self, inputs):
        averages = keras.ops.average_pool(
            inputs, self.pool_size, strides=self.pool_size, data_format="channels_last"
        )
        sums = averages * (self.pixels * self.coefficient)
        return self.activation(keras.ops.add(sums, self.bias))  # its gradient is faster than that of +

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *output_sizes(input_shape, self.pool_size, self.pool_size), input_shape[-1])

    def get_config(self):
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "activation": keras.activations.serialize(self.activation),
            "coefficient_initializer": keras.initializers.serialize(self.coefficient_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }
