"""Hold the questions, one file a chapter."""

CHAPTERS = ("foundations", "lenet5")  # in the order of the course; the position is the chapter's number
