"""Hand on `course_lib.training.evaluation` under the name that it had in version 0.1.0."""

from course_lib.training.evaluation import evaluate, predict_ten_crop, ten_crop, top_k_error

__all__ = ["evaluate", "predict_ten_crop", "ten_crop", "top_k_error"]
