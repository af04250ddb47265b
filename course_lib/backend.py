"""Import Keras without TensorFlow's start-up noise: `from course_lib.backend import keras`.

While it is imported, TensorFlow writes lines with time stamps to file descriptor 2, which no environment
variable stops and which would be stored in every notebook. They are held back, and shown only if the import
fails.
"""

import os
import sys
import tempfile

__all__ = ["computes_on_cpu", "keras"]


def _import_keras():
    """Return the `keras` module, imported with standard error held back."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held_back:
        standard_error = os.dup(2)
        os.dup2(held_back.fileno(), 2)
        try:
            import keras
        except BaseException:
            held_back.seek(0)
            os.write(standard_error, held_back.read())
            raise
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)
    return keras


keras = _import_keras()


def computes_on_cpu(*, eagerly=False):
    """Return whether TensorFlow computes, and sees no device but CPUs; `eagerly`: outside `tf.function`."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    # Logical devices can still be made after this list, but not after one of logical devices.
    devices = tf.config.get_visible_devices()
    is_cpu = all(device.device_type == "CPU" for device in devices)
    return is_cpu and (tf.executing_eagerly() or not eagerly)
