"""What several families share: scaled channels, pooling that rounds up, outlines, the smallest input."""

import bisect
import functools
import inspect
import random
from concurrent.futures import ThreadPoolExecutor

from course_lib.backend import keras
from course_lib.checks import is_whole, require

__all__ = ["max_pool_up", "names_smallest_input", "outline", "scaled"]


def scaled(channels, width, multiple=1):
    """Return `channels * width`, rounded to the nearest multiple of `multiple` that is not zero.

    Raises:
        ValueError: if one of them is not positive.
    """
    require(width > 0, "width must be positive.", f"width={width!r}")
    require(channels > 0, "channels must be positive.", f"{channels!r}")
    require(multiple >= 1, "groups must be a positive integer.", f"groups={multiple!r}")
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
        shape = options.get("input_shape", default)
        is_shape = isinstance(shape, (tuple, list)) and len(shape) == 3 and all(map(is_whole, shape))
        require(is_shape, "input_shape must be (H, W, C), three integers.", f"input_shape={shape!r}")
        try:
            return build(*args, **options)
        except ValueError:
            *sides, channels = shape

            def works(side):
                try:
                    build(*args, **{**options, "input_shape": (side, side, channels), "width": 1e-9})
                except ValueError:
                    return False
                return True

            enough = 4 * max(default[:2])  # more blocks than the paper's may need more
            if works(min(sides)) or not works(enough):
                raise  # the size is not to blame
            smallest = bisect.bisect_left(range(enough), True, lo=1, key=works)
            received = f"Received: input_shape={shape}"
            raise ValueError(f"the input must be at least {smallest}x{smallest}. {received}") from None

    return checked


def outline(build, /, *arguments, **options):
    """Build a network without its weights: to draw it and to count it, their shapes are enough.

        ledger(outline(vgg16))    138 million parameters, in a moment and in no memory

    What it computes means nothing. Networks that are built afterwards have weights, the same ones as if there
    had been no outline.

    Args:
        build: a builder, such as those of this package or of `keras.applications`.
        *arguments, **options: those of the builder.
    """
    policy = keras.config.dtype_policy()
    draws = random.getstate()  # initial seeds come from Python's own generator

    def built():
        keras.config.set_dtype_policy(policy)
        with keras.StatelessScope(initialize_variables=False):
            return build(*arguments, **options)

    # Keras would give the weights their values at the end of the next such scope of the same thread.
    try:
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(built).result()
    finally:
        random.setstate(draws)
