"""Import Keras without TensorFlow's start-up noise: `from course_lib.backend import keras`.

While it is imported, TensorFlow writes lines with time stamps to file descriptor 2, which no environment
variable stops and which would be stored in every notebook. They are held back, and shown only if the import
fails.
"""

import os
import sys
import tempfile

__all__ = ["keras"]


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
