"""Where a sliding window stops: what several layers share."""

from course_lib.arithmetic import output_size
from course_lib.checks import require


def output_sizes(input_shape, kernel_size, strides, padding="valid"):
    """Return (H, W) after a window slides over an input of shape `(N, H, W, C)`; an unknown size stays None.

    Raises:
        ValueError: if the input is not of that rank, or if the window is larger than it.
    """
    shape = tuple(input_shape)
    require(len(shape) == 4, "the input must have shape (N, H, W, C).", f"input_shape={shape}")
    return tuple(
        None if size is None else output_size(size, kernel, stride, padding=padding)
        for size, kernel, stride in zip(shape[1:3], kernel_size, strides, strict=True)
    )
