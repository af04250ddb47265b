"""Count every network of `keras.applications` with the ledger: `.venv/bin/python benchmarks/applications.py`.

Parameters stand beside Keras's own count, multiply-adds beside those that the authors published. `--write`
puts the table into docs/ledger.md; arguments name some networks alone.
"""

import argparse
import datetime
import importlib.metadata
import inspect
import platform
import sys
from pathlib import Path

from course_lib.architectures import outline
from course_lib.backend import keras
from course_lib.ledger import ledger

DOCUMENT = Path(__file__).parents[1] / "docs" / "ledger.md"
BEGIN, END = "<!-- table -->", "<!-- /table -->"

# Multiply-adds in millions, as printed, and half a unit of the last digit that is printed.
HE = "He et al. 2016, table 1"
HUANG = "torchvision 0.15's table"
TAN = "Tan and Le 2019, table 2"
TAN2 = "google/automl, efficientnetv2/README.md"
LIU = "facebookresearch/ConvNeXt, README.md"
ZOPH = "Zoph et al. 2018, table 2"
PUBLISHED = {
    "ConvNeXtTiny": (4_500, 50, LIU),
    "ConvNeXtSmall": (8_700, 50, LIU),
    "ConvNeXtBase": (15_400, 50, LIU),
    "ConvNeXtLarge": (34_400, 50, LIU),
    "ConvNeXtXLarge": (60_900, 50, LIU),
    "EfficientNetB0": (390, 5, TAN),
    "EfficientNetB1": (700, 5, TAN),
    "EfficientNetB2": (1_000, 50, TAN),
    "EfficientNetB3": (1_800, 50, TAN),
    "EfficientNetB4": (4_200, 50, TAN),
    "EfficientNetB5": (9_900, 50, TAN),
    "EfficientNetB6": (19_000, 500, TAN),
    "EfficientNetB7": (37_000, 500, TAN),
    "EfficientNetV2B0": (720, 5, TAN2),
    "EfficientNetV2B1": (1_200, 50, TAN2),
    "EfficientNetV2B2": (1_700, 50, TAN2),
    "EfficientNetV2B3": (3_000, 50, TAN2),
    "EfficientNetV2S": (8_400, 50, TAN2),
    "EfficientNetV2M": (24_700, 50, TAN2),
    "EfficientNetV2L": (56_300, 50, TAN2),
    "InceptionResNetV2": (13_200, 50, ZOPH),
    "InceptionV3": (5_720, 5, ZOPH),
    "MobileNet": (569, 0.5, "Howard et al. 2017, table 4"),
    "MobileNetV2": (300, 0.5, "Sandler et al. 2018, table 4"),
    "MobileNetV3Large": (217, 0.5, "tensorflow/models, research/slim/nets/mobilenet/README.md"),
    "MobileNetV3Small": (56, 0.5, "Howard et al. 2019, table 3"),
    "NASNetLarge": (23_800, 50, ZOPH),
    "NASNetMobile": (564, 0.5, "Zoph et al. 2018, table 3"),
    "ResNet50": (3_800, 50, HE),
    "ResNet101": (7_600, 50, HE),
    "ResNet152": (11_300, 50, HE),
    "Xception": (8_380, 5, ZOPH),
}


def builders():
    """Return name -> builder of all networks in `keras.applications` and its modules."""
    found = {}
    for space in (keras.applications, *filter(inspect.ismodule, vars(keras.applications).values())):
        for name, value in vars(space).items():
            if inspect.isfunction(value) and "weights" in inspect.signature(value).parameters:
                found[name] = value
    return dict(sorted(found.items()))


def counted(name):
    """Return the model, without its weights, and its ledger; an open input size is 224x224."""
    build = builders()[name]
    model = outline(build, weights=None)
    if None in model.input_shape[1:]:
        model = outline(build, weights=None, input_shape=(224, 224, 3))
    return model, ledger(model)
