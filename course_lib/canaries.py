"""Hand on `course_lib.training.canaries` under the name that it had in version 0.1.0."""

from course_lib.training.canaries import Canaries, TrainingWarning

__all__ = ["Canaries", "TrainingWarning"]
