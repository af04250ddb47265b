"""Count every network of `keras.applications` with the ledger: `.venv/bin/python benchmarks/applications.py`.

Parameters stand beside Keras's own count, multiply-adds beside those that the authors published. `--write`
puts the table into docs/ledger.md; arguments name some networks alone.
"""

import argparse
import datetime
import importlib.metadata
import inspect
import math
import platform
from pathlib import Path

from course_lib.architectures import outline
from course_lib.backend import keras
from course_lib.ledger import ledger

DOCUMENT = Path(__file__).parents[1] / "docs" / "ledger.md"
BEGIN, END = "<!-- table -->", "<!-- /table -->"

HE = "He et al. 2016, table 1"
VISION = "torchvision's list of weights"
TAN2 = "google/automl, efficientnetv2/README.md"
LIU = "facebookresearch/ConvNeXt, README.md"
SLIM = "tensorflow/models, research/slim/nets"
PUBLISHED = {  # multiply-adds as printed, and where
    "ConvNeXtTiny": ("4.5G", LIU),
    "ConvNeXtSmall": ("8.7G", LIU),
    "ConvNeXtBase": ("15.4G", LIU),
    "ConvNeXtLarge": ("34.4G", LIU),
    "ConvNeXtXLarge": ("60.9G", LIU),
    "DenseNet121": ("2.834G", VISION),
    "DenseNet169": ("3.36G", VISION),
    "DenseNet201": ("4.291G", VISION),
    "EfficientNetB0": ("0.386G", VISION),
    "EfficientNetB1": ("0.687G", VISION),
    "EfficientNetB3": ("1.827G", VISION),
    "EfficientNetB4": ("4.394G", VISION),
    "EfficientNetB5": ("10.266G", VISION),
    "EfficientNetB6": ("19.068G", VISION),
    "EfficientNetB7": ("37.746G", VISION),
    "EfficientNetV2B0": ("0.72G", TAN2),
    "EfficientNetV2B1": ("1.2G", TAN2),
    "EfficientNetV2B2": ("1.7G", TAN2),
    "EfficientNetV2B3": ("3.0G", TAN2),
    "EfficientNetV2S": ("8.4G", TAN2),
    "EfficientNetV2M": ("24.7G", TAN2),
    "EfficientNetV2L": ("56.3G", TAN2),
    "InceptionV3": ("5.713G", VISION),
    "MobileNet": ("569M", f"{SLIM}/mobilenet_v1.md"),
    "MobileNetV2": ("300M", f"{SLIM}/mobilenet/README.md"),
    "MobileNetV3Large": ("217M", f"{SLIM}/mobilenet/README.md"),
    "MobileNetV3Small": ("56M", "Howard et al. 2019, table 3"),
    "NASNetLarge": ("23.8G", f"{SLIM}/nasnet/README.md"),
    "NASNetMobile": ("564M", f"{SLIM}/nasnet/README.md"),
    "ResNet50": ("3.8G", HE),
    "ResNet101": ("7.6G", HE),
    "ResNet152": ("11.3G", HE),
    "VGG16": ("15.47G", VISION),
    "VGG19": ("19.632G", VISION),
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


def keras_counts(model):
    """Return how many parameters Keras counts that are trained, and that aren't."""
    trained = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    return trained, model.count_params() - trained


def beside(macs, printed):
    """Say how far multiply-adds are from printed ones: nothing if they round to them."""
    digits = printed[:-1]
    unit = {"M": 10**6, "G": 10**9}[printed[-1]]
    decimals = len(digits.partition(".")[2])
    if abs(macs / unit - float(digits)) <= 0.5 * 10**-decimals:
        return "rounds to it"
    return f"{100 * (macs / unit / float(digits) - 1):+.1f} %"


def line(name):
    """Return the line of the table for one network."""
    model, table = counted(name)
    mine = (table.parameters, table.non_trainable)
    keras_own = "the same" if mine == keras_counts(model) else "{:,} + {:,}".format(*keras_counts(model))
    printed, source = PUBLISHED.get(name, ("", ""))
    side = model.input_shape[1]
    numbers = [f"{side}x{side}", f"{mine[0]:,}", f"{mine[1]:,}", keras_own, f"{table.macs:,}", printed]
    numbers.append(beside(table.macs, printed) if printed else "")
    return f"| {' | '.join([name, *numbers, source])} |"


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python benchmarks/applications.py", description=__doc__)
    parser.add_argument("names", nargs="*", help="networks; without any, all")
    parser.add_argument("--write", action="store_true", help=f"put the table into {DOCUMENT.name}")
    options = parser.parse_args(arguments)
    lines = [
        "| network | input | trained | not trained | Keras counts | MACs | published | ours | source |",
        "|---|---|---:|---:|---|---:|---:|---|---|",
    ]
    print("\n".join(lines), flush=True)
    for name in options.names or builders():
        lines.append(line(name))
        print(lines[-1], flush=True)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("keras", "tensorflow"))
    lines += ["", f"{datetime.date.today()}; Python {platform.python_version()}, {versions}."]
    print("\n".join(lines[-2:]))
    if options.write:
        text = DOCUMENT.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        after = rest.split(END)[1]
        table = "\n".join([BEGIN, *lines, END])
        DOCUMENT.write_text(before + table + after, encoding="utf-8")


if __name__ == "__main__":
    main()
