"""The join of FractalNet, with drop-path."""

from course_lib.backend import keras
from course_lib.checks import probability, whole

__all__ = ["FractalJoin"]


@keras.saving.register_keras_serializable(package="course_lib")
class FractalJoin(keras.layers.Layer):
    """Average the paths that meet; in training, drop some of them (Larsson et al. 2017, sections 2 and 3).

    One mini-batch of training is either global or local, with the probability `global_ratio`:

    - local: each path is dropped with the probability `drop_path`; if all were, a random one of them stays.
    - global: one column is chosen for the whole network, and a join passes on that column's path alone. Joins
      with the same `global_seed` choose together, since they draw the same numbers call after call. A join
      that the chosen column doesn't pass is local; that column doesn't read its output.

    The draws hold for the whole mini-batch. At test all paths are averaged.

    Args:
        columns: number of columns of the network. The inputs are the last of them, the deepest column last.
        drop_path: probability, from 0 to 1, of dropping a path.
        global_ratio: probability, from 0 to 1, of a global mini-batch; above 0 it needs a `global_seed`.
        global_seed: an integer, the same in all joins of a network.
        seed: an integer for the local draws, or None for other draws in each join and process.

    Inputs: a list of two or more tensors of one shape. Output shape: that of each input. Parameters: none.

    Raises:
        ValueError: if `columns` is no integer from 2 on, a probability is none, a global mini-batch is
            possible without a seed, or the inputs are not 2 to `columns` tensors of one shape.
    """

    def __init__(self, columns, *, drop_path=0.15, global_ratio=0.0, global_seed=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.columns = whole("columns", columns, 2, words="an integer from 2 on")
        self.drop_path = probability("drop_path", drop_path)
        self.global_ratio = probability("global_ratio", global_ratio)
        if global_ratio > 0 and global_seed is None:
            raise ValueError(
                "global_seed must be an integer, so that all joins choose one column. "
                f"Received: global_seed=None with global_ratio={global_ratio!r}"
            )
        self.global_seed = global_seed
        self.seed = seed
        self.draws_per_batch = True  # `training.fit` then leaves all replicas the same draws
        self.global_generator = keras.random.SeedGenerator(global_seed)
        self.local_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)  # refuses inputs of different shapes

    def call(self, inputs, training=False):
        if not training:
            return sum(inputs) / len(inputs)
        is_kept = keras.ops.cast(self._draw(len(inputs)), "float32")
        weights = keras.ops.cast(is_kept / keras.ops.sum(is_kept), inputs[0].dtype)
        return sum(path * weights[i] for i, path in enumerate(inputs))

    def _draw(self, paths):
        """Return which paths this mini-batch keeps: `paths` booleans, at least one of them True."""
        draws = keras.random.uniform((paths,), dtype="float32", seed=self.local_generator)
        # The path with the largest draw stays even where all fall below `drop_path`.
        is_kept = (draws >= self.drop_path) | (draws == keras.ops.max(draws))
        # Each global draw takes two numbers, whatever the join: so they stay in step.
        mode, place = keras.ops.unstack(
            keras.random.uniform((2,), dtype="float32", seed=self.global_generator), num=2
        )
        column = keras.ops.cast(place * self.columns, "int32")
        is_chosen = keras.ops.arange(self.columns - paths, self.columns, dtype="int32") == column
        is_global = (mode < self.global_ratio) & keras.ops.any(is_chosen)
        return keras.ops.where(is_global, is_chosen, is_kept)

    def compute_output_shape(self, input_shape):
        shapes = [tuple(shape) for shape in input_shape] if isinstance(input_shape[0], (list, tuple)) else []
        if not 2 <= len(shapes) <= self.columns or len(set(shapes)) > 1:
            raise ValueError(
                f"the inputs must be a list of 2 to {self.columns} tensors of one shape. "
                f"Received: input_shape={input_shape}"
            )
        return shapes[0]

    def get_config(self):
        return {
            **super().get_config(),
            "columns": self.columns,
            "drop_path": self.drop_path,
            "global_ratio": self.global_ratio,
            "global_seed": self.global_seed,
            "seed": self.seed,
        }
