"""The random gate of stochastic depth."""

from course_lib.backend import keras
from course_lib.checks import probability

__all__ = ["StochasticDepth"]


@keras.saving.register_keras_serializable(package="course_lib")
class StochasticDepth(keras.layers.Layer):
    """Drop its whole input at random in training, so that a residual block shrinks to its shortcut.

    In training the input is kept with the probability `survival` and replaced by zeros otherwise: one draw
    for the whole mini-batch, on all replicas of a `tf.distribute` strategy too. At test the input is
    multiplied by `survival`, its expectation in training (Huang et al. 2016, section 3).

    The branch is computed even when it is dropped, so no time is saved, and its BatchNorm goes on counting.

    Args:
        survival: probability, from 0 to 1, with which the input is kept.
        per_sample: True draws for each example of the mini-batch by itself, as later networks do.
        seed: an integer, or None for other draws in each process.

    Input shape: `(N, ...)`. Output shape: the same. Parameters: none.

    Raises:
        ValueError: if `survival` is no probability.
    """

    def __init__(self, survival, *, per_sample=False, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.survival = probability("survival", survival)
        self.per_sample = per_sample
        self.seed = seed
        self.draws_per_batch = not per_sample  # `training.fit` then leaves all replicas the same draws
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        if not training:
            return inputs * self.survival
        draws = (keras.ops.shape(inputs)[0] if self.per_sample else 1, *(1,) * (len(inputs.shape) - 1))
        # Drawn in float32: half precision would round the probability.
        is_kept = keras.random.uniform(draws, dtype="float32", seed=self.seed_generator) < self.survival
        return inputs * keras.ops.cast(is_kept, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "survival": self.survival,
            "per_sample": self.per_sample,
            "seed": self.seed,
        }
