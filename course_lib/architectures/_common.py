"""What several families share: scaled channels, pooling that rounds up, the smallest input that works."""

import bisect
import functools
import inspect

from course_lib.backend import keras

__all__ = ["max_pool_up", "names_smallest_input", "scaled"]


def scaled(channels, width, multiple=1):
    """Return `channels * width`, rounded to the nearest multiple of `multiple` that is not zero.

    Raises:
        ValueError: if `width` is not positive.
    """
    if not width > 0:
        raise ValueError(f"width must be positive. Received: width={width!r}")
    return multiple * max(1, round(channels * width / multiple))


def max_pool_up(x, *, name):
    """Return the maxima of 3x3 windows, stride 2, where the last window may reach over the border.

    Sizes are rounded up, as Caffe does: 110 -> 55, 54 -> 27, but 55 -> 27. Keras does so by padding="same" on
    an even side and by "valid" on an odd one. (A map with one odd side is padded on both.)
    """
    odd = x.shape[1] % 2 and x.shape[2] % 2
    return keras.layers.MaxPooling2D(3, 2, padding="valid" if odd else "same", name=name)(x)


def names_smallest_input(build):
    """Decorate a builder: a ValueError for too small an input says the smallest square that works.

    The builder has `input_shape`, with a default that works, and `width`. Only when it fails is it run again,
    with one channel a layer, to look for the smallest input.
    """
    default = inspect.signature(build).parameters["input_shape"].default

    @functools.wraps(build)
    def checked(*args, **options):
        try:
            return build(*args, **options)
        except ValueError:
            *sides, channels = options.get("input_shape", default)

            def works(side):
                try:
                    build(*args, **{**options, "input_shape": (side, side, channels), "width": 1e-9})
                except ValueError:
                    return False
                return True

            enough = max(default[:2])
            if works(min(sides)) or not works(enough):
                raise  # the size is not to blame
            smallest = bisect.bisect_left(range(enough), True, lo=1, key=works)
            received = f"Received: input_shape={options['input_shape']}"
            raise ValueError(f"the input must be at least {smallest}x{smallest}. {received}") from None

    return checked
