"""The squashing function of LeNet-5."""

from course_lib.backend import keras

__all__ = ["scaled_tanh"]


@keras.saving.register_keras_serializable(package="course_lib")
def scaled_tanh(x):
    """Return `1.7159 tanh(2x/3)`, of the shape of `x` (LeCun et al. 1998, equation 6 and appendix A).

    The constants make f(1) = 1 and f(-1) = -1 and put the largest curvature there, so units reach targets of
    +1 and -1 before they saturate; a tanh would reach them only at infinity.
    """
    return 1.7159 * keras.ops.tanh(x * (2 / 3))
