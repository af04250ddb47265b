"""The accuracy of a network whose outputs are distances."""

from course_lib.backend import keras

__all__ = ["NearestAccuracy"]


@keras.saving.register_keras_serializable(package="course_lib")
class NearestAccuracy(keras.metrics.MeanMetricWrapper):
    """Count how often the smallest distance is the true class's.

    Keras's own "accuracy" takes the largest output for the answer; the outputs of `EuclideanRBF` are
    distances. Shapes: labels `(N,)` or `(N, 1)`, integers; distances `(N, classes)`.
    """

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(_is_nearest, name=name, dtype=dtype)

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype}


def _is_nearest(y_true, y_pred):
    labels = keras.ops.reshape(keras.ops.cast(y_true, "int32"), (-1,))
    return keras.ops.cast(keras.ops.argmin(y_pred, axis=-1), "int32") == labels
