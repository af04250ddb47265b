"""Hand on `course_lib.training.recipes` under the name that it had in version 0.1.0."""

from course_lib.training.recipes import RECIPES, CoupledSGD, Recipe, recipe

__all__ = ["RECIPES", "CoupledSGD", "Recipe", "recipe"]
