"""The initial weights of LeNet-5."""

import math

from course_lib.backend import keras
from course_lib.checks import positive

__all__ = ["FanInUniform"]


@keras.saving.register_keras_serializable(package="course_lib")
class FanInUniform(keras.initializers.Initializer):
    """Draw weights uniformly between `-scale / fan_in` and `scale / fan_in` (LeCun et al. 1998, appendix A).

    The fan-in is the number of inputs of one unit: the product of all sizes of the shape but the last. The
    limit is divided by the fan-in itself, where Keras's `lecun_uniform` divides by its square root.

    Args:
        scale: a positive number; the paper's is 2.4.
        seed: an integer, or None for other numbers at each call.

    Raises:
        ValueError: if `scale` is no positive number.
    """

    def __init__(self, scale=2.4, seed=None):
        self.scale = positive("scale", scale)
        self.seed = seed

    def __call__(self, shape, dtype=None):
        limit = self.scale / math.prod(shape[:-1])
        return keras.initializers.RandomUniform(-limit, limit, seed=self.seed)(shape, dtype=dtype)

    def get_config(self):
        return {"scale": self.scale, "seed": self.seed}
