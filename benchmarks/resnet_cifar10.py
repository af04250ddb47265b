"""Train plain and residual networks of 20 and 56 layers on CIFAR-10 as section 4.2 of the ResNet paper does.

    .venv/bin/python benchmarks/resnet_cifar10.py    # four networks, 64,000 steps each: work for a GPU

CIFAR-10 must be prepared for TFDS (README.md, "On GPUs, at full scale, in Colab"). The errors are printed and
kept as the stored result `resnet_cifar10`. What was killed goes on where it stopped: the runs lie in `runs/`.
"""

from pathlib import Path

from course_lib import facts, training
from course_lib.architectures import cifar_plain, cifar_resnet
from course_lib.training import recipes

COMMAND = "python benchmarks/resnet_cifar10.py"
DEPTHS = (20, 56)


def errors(network, depth):
    """Return the training and the test error in % after the training of section 4.2."""
    plan = recipes.recipe(network.__name__, depth=depth)
    cifar = plan.data()
    with training.strategy().scope():
        model = network(depth, name=f"{network.__name__}{depth}")
        plan.compile(model, steps_per_epoch=int(cifar.train.cardinality()))
    log = training.fit(model, cifar, epochs=plan.epochs, directory=Path("runs") / model.name).history
    return [round(100 - 100 * log[key][-1], 2) for key in ("accuracy", "val_accuracy")]


def main():
    result = {}
    for network in (cifar_plain, cifar_resnet):
        for depth in DEPTHS:
            result[f"{network.__name__}{depth}"] = errors(network, depth)
            print(network.__name__, depth, *result[f"{network.__name__}{depth}"], flush=True)
    facts.store("resnet_cifar10", result, command=COMMAND)


if __name__ == "__main__":
    main()
