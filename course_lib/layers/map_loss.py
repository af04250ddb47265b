"""The loss that LeNet-5 was trained with."""

from course_lib.backend import keras
from course_lib.checks import positive

__all__ = ["MAPLoss"]


@keras.saving.register_keras_serializable(package="course_lib")
class MAPLoss(keras.losses.Loss):
    """Pull the distance of the true class down and push the others up (LeCun et al. 1998, equation 9).

    With y the squared distances of `EuclideanRBF` and D the true class, the loss of one picture is

        y_D + log(exp(-j) + sum_i exp(-y_i))

    The first term alone (equation 8) sets no class against another. The second makes the classes compete, and
    takes part as a softmax with one more class, "rubbish", at the constant distance j: wrong classes that are
    already much further away than j are not pushed any further. The paper gives no value for j; the default
    is ours.

    Args:
        j: a positive number, the distance of the rubbish class.
        reduction: as in any Keras loss.
        name: as in any Keras loss.

    Shapes: labels `(N,)` or `(N, 1)`, integers; distances `(N, classes)`.

    Raises:
        ValueError: if `j` is no positive number.
    """

    def __init__(self, j=10.0, reduction="sum_over_batch_size", name="map_loss", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.j = positive("j", j)

    def call(self, y_true, y_pred):
        labels = keras.ops.cast(keras.ops.reshape(y_true, (-1,)), "int32")
        # The cross-entropy of a softmax whose class 0 is the rubbish: the same sum, computed in one step.
        logits = keras.ops.pad(-y_pred, ((0, 0), (1, 0)), constant_values=-self.j)
        return keras.ops.sparse_categorical_crossentropy(labels + 1, logits, from_logits=True)

    def get_config(self):
        return {**super().get_config(), "j": self.j}
