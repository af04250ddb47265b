"""The output layer of LeNet-5."""

import numpy as np

from course_lib.backend import keras

__all__ = ["EuclideanRBF"]


@keras.saving.register_keras_serializable(package="course_lib")
class EuclideanRBF(keras.layers.Layer):
    """Return the squared Euclidean distance of the input to each prototype (LeCun et al. 1998, equation 7).

    The smallest distance wins. The prototypes are weights that no training changes; the gradient passes
    through to the input. In mixed precision the distances are float32 all the same.

    Args:
        prototypes: one row of numbers for each unit, such as `DIGIT_BITMAPS`.

    Input shape: `(..., features)`. Output shape: `(..., units)`. Non-trainable parameters: units x features.

    Raises:
        ValueError: if the prototypes are no table of finite numbers, or of another length than the input.
    """

    def __init__(self, prototypes, **kwargs):
        super().__init__(**kwargs)
        try:
            values = np.array(prototypes, dtype=float)
        except (TypeError, ValueError, OverflowError):  # rows of different length, or of no numbers
            values = np.empty(0)
        if values.ndim != 2 or values.size == 0 or not np.isfinite(values).all():
            raise ValueError(
                f"prototypes must be equally long rows of finite numbers. Received: prototypes={prototypes!r}"
            )
        self.prototypes = tuple(map(tuple, values.tolist()))

    def build(self, input_shape):
        self.compute_output_shape(input_shape)  # refuses an input of another length
        values = np.array(self.prototypes)
        self.centers = self.add_weight(
            name="centers",
            shape=values.shape,
            initializer=lambda shape, dtype: keras.ops.convert_to_tensor(values, dtype=dtype),
            trainable=False,
            autocast=False,
        )

    def call(self, inputs):
        inputs = keras.ops.cast(inputs, self.variable_dtype)
        differences = keras.ops.expand_dims(inputs, -2) - self.centers
        return keras.ops.sum(keras.ops.square(differences), axis=-1)

    def compute_output_shape(self, input_shape):
        if input_shape[-1] != len(self.prototypes[0]):
            raise ValueError(
                f"the input must be as long as a prototype, {len(self.prototypes[0])}. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        return (*input_shape[:-1], len(self.prototypes))

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.variable_dtype)

    def get_config(self):
        return {**super().get_config(), "prototypes": self.prototypes}
