"""A convolution whose output maps each read only some of the input maps: C3 of LeNet-5."""

import numpy as np

from course_lib.backend import keras
from course_lib.checks import pair, require
from course_lib.layers._windows import output_sizes

__all__ = ["LENET_TABLE", "PartialConv2D"]

# LeCun et al. 1998, table I: a row for each map of S2, a column for each map of C3.
LENET_TABLE = tuple(
    tuple(mark == "X" for mark in row)
    for row in (
        "X...XXX..XXXX.XX",
        "XX...XXX..XXXX.X",
        "XXX...XXX..X.XXX",
        ".XXX..XXXX..X.XX",
        "..XXX..XXXX.XX.X",
        "...XXX..XXXX.XXX",
    )
)


@keras.saving.register_keras_serializable(package="course_lib")
class PartialConv2D(keras.layers.Layer):
    """Convolve as `Conv2D` does, but connect only the pairs of maps that a table names.

    Only the connected pairs have parameters: the kernel's shape is `(height, width, connections)`, with the
    connections of output map 0 first, each map's in the order of its inputs. Every call lays it out as the
    dense kernel that a convolution needs, so the speed is that of a dense convolution. Source: LeCun et al.
    1998, section II.B and table I, which is `LENET_TABLE`.

    Args:
        kernel_size: height and width, one integer or a pair.
        table: booleans, `table[input_map][output_map]`.
        strides: one integer or a pair.
        padding: "valid" or "same".
        activation: None leaves the result linear.
        use_bias: whether every output map has a bias.
        kernel_initializer: draws the weights of every output map by that map's own number of inputs (maps
            with equally many are drawn together, as one dense kernel).
        bias_initializer: initial bias.

    Input shape: `(N, H, W, rows of the table)`. Output shape: `(N, H', W', columns of the table)`.

    Raises:
        ValueError: if the table is not rectangular or not of booleans, if a map is connected to nothing, or
            if the input has not as many maps as the table has rows.
    """

    def __init__(
        self,
        kernel_size,
        table,
        *,
        strides=1,
        padding="valid",
        activation=None,
        use_bias=True,
        kernel_initializer="lecun_uniform",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        is_known = padding in ("valid", "same")
        require(is_known, 'padding must be "valid" or "same".', f"padding={padding!r}")
        self.kernel_size = pair("kernel_size", kernel_size)
        self.table = _checked(table)
        self.strides = pair("strides", strides)
        self.padding = padding
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)  # refuses an input that does not fit
        connected = np.array(self.table)
        outputs, inputs = np.nonzero(connected.T)  # sorted by output map, then by input map
        self.kernel = self.add_weight(
            name="kernel", shape=(*self.kernel_size, len(outputs)), initializer=self._initial_kernel
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(connected.shape[1],), initializer=self.bias_initializer
            )
        # Where each weight stands in the dense kernel.
        rows, columns, connections = np.indices(self.kernel.shape)
        self._places = np.stack([rows, columns, inputs[connections], outputs[connections]], axis=-1)

    def _initial_kernel(self, shape, dtype=None):
        fan_ins = np.sum(self.table, axis=0)
        columns, drawn = [], []
        for inputs, outputs in zip(*np.unique(fan_ins, return_counts=True), strict=True):
            columns.extend(np.flatnonzero(np.repeat(fan_ins, fan_ins) == inputs))
            # A clone has a seed of its own, unless the caller gave one; a plain function has no clone.
            draw = getattr(self.kernel_initializer, "clone", lambda: self.kernel_initializer)()
            dense = draw((*self.kernel_size, int(inputs), int(outputs)), dtype=dtype)
            dense = keras.ops.swapaxes(dense, 2, 3)
            drawn.append(keras.ops.reshape(dense, (*self.kernel_size, int(inputs * outputs))))
        return keras.ops.take(keras.ops.concatenate(drawn, axis=-1), np.argsort(columns), axis=-1)

    def dense_kernel(self):
        """Return the kernel of the equal `Conv2D`, (height, width, inputs, outputs): 0 where unconnected."""
        shape = (*self.kernel_size, len(self.table), len(self.table[0]))
        return keras.ops.scatter(self._places, self.kernel, shape)

    def call(self, inputs):
        outputs = keras.ops.conv(
            inputs,
            self.dense_kernel(),
            strides=self.strides,
            padding=self.padding,
            data_format="channels_last",
        )
        if self.use_bias:
            outputs = keras.ops.add(outputs, self.bias)  # its gradient is faster than that of +
        return self.activation(outputs)

    def compute_output_shape(self, input_shape):
        sizes = output_sizes(input_shape, self.kernel_size, self.strides, self.padding)
        if input_shape[-1] != len(self.table):
            raise ValueError(
                f"the input must have as many maps as the table has rows, {len(self.table)}. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        return (input_shape[0], *sizes, len(self.table[0]))

    def get_config(self):
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "table": self.table,
            "strides": self.strides,
            "padding": self.padding,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }


def _checked(table):
    """Return the table as a tuple of rows of booleans, or raise a ValueError that says what is wrong."""
    try:
        rows = [list(row) for row in table]
    except TypeError:
        raise ValueError(f"a table must be rows of booleans. Received: table={table!r}") from None
    widths = sorted({len(row) for row in rows})
    if len(widths) != 1 or widths[0] == 0:
        raise ValueError(f"the rows of a table must be equally long. Received: rows of {widths} entries")
    for row in rows:
        for entry in row:
            if not isinstance(entry, (bool, np.bool_)):
                raise ValueError(f"a table must hold booleans. Received: {entry!r}")
    for name, lines in (("input", rows), ("output", zip(*rows, strict=True))):
        lonely = [index for index, line in enumerate(lines) if not any(line)]
        if lonely:
            raise ValueError(
                f"every {name} map must be connected. Received: no connection of {name} maps {lonely}"
            )
    return tuple(tuple(bool(entry) for entry in row) for row in rows)
