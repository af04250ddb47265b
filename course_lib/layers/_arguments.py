"""Check the arguments that several layers share."""

from numbers import Integral, Real

from course_lib.arithmetic import output_size


def pair(value, name):
    """Return `value`, one positive integer or a (height, width) pair of them, as a pair.

    Raises:
        ValueError: if it is anything else.
    """
    values = tuple(value) if isinstance(value, (list, tuple)) else (value, value)
    if len(values) != 2 or not all(_is_positive(v, Integral) for v in values):
        raise ValueError(f"{name} must be a positive integer or a pair of them. Received: {name}={value!r}")
    return int(values[0]), int(values[1])


def positive(value, name, kind=Real):
    """Return `value`, a positive number of that kind: `Real` or `Integral`.

    Raises:
        ValueError: if it is anything else.
    """
    if not _is_positive(value, kind):
        noun = "integer" if kind is Integral else "number"
        raise ValueError(f"{name} must be a positive {noun}. Received: {name}={value!r}")
    return value


def _is_positive(value, kind):
    return isinstance(value, kind) and not isinstance(value, bool) and value > 0


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
