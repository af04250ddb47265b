"""Check the arguments that several layers share."""

import operator

from course_lib.arithmetic import output_size


def pair(value, name):
    """Return `value`, one positive integer or a (height, width) pair of them, as a pair.

    Raises:
        ValueError: if it is anything else.
    """
    values = tuple(value) if isinstance(value, (list, tuple)) else (value, value)
    try:
        integers = tuple(operator.index(v) for v in values)
    except TypeError:
        integers = ()
    if len(integers) != 2 or min(integers) < 1:
        raise ValueError(f"{name} must be a positive integer or a pair of them. Received: {name}={value!r}")
    return integers


def output_sizes(input_shape, kernel_size, strides, padding="valid"):
    """Return (H, W) after a window slides over an input of shape `(N, H, W, C)`; an unknown size stays None.

    Raises:
        ValueError: if the input is not of that rank, or if the window is larger than it.
    """
    if len(input_shape) != 4:
        raise ValueError(
            f"the input must have shape (N, H, W, C). Received: input_shape={tuple(input_shape)}"
        )
    return tuple(
        None if size is None else output_size(size, kernel, stride, padding=padding)
        for size, kernel, stride in zip(input_shape[1:3], kernel_size, strides, strict=True)
    )
