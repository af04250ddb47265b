"""The convolutional networks that made history, exact to the parameter.

Nothing is imported here: `import course_lib.arithmetic` and the questions of the exercises load
without TensorFlow.
"""
