"""Hold the questions, one file a chapter."""

CHAPTERS = {  # in the order of the course, each with its number
    "foundations": 0,
    "lenet5": 1,
    "alexnet": 2,
    "zfnet": 3,
    "vgg": 5,
    "googlenet": 6,
    "resnet": 7,
}
