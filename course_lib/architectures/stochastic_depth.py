"""Stochastic depth: train short networks, test the deep one that they are parts of.

Huang, Sun, Liu, Sedra, Weinberger: Deep networks with stochastic depth, ECCV 2016.

| name here    | name in the paper             | output shape | survival, 110 layers |
|--------------|-------------------------------|--------------|----------------------|
| input        | (image)                       | 32, 32, 3    |                      |
| stem_conv    | 3x3 convolution               | 32, 32, 16   | 1                    |
| stage1_*     | group 1, 18 residual blocks   | 32, 32, 16   | 0.991 - 0.833        |
| stage2_*     | group 2                       | 16, 16, 32   | 0.824 - 0.667        |
| stage3_*     | group 3                       | 8, 8, 64     | 0.657 - 0.5          |
| head_pool    | average pooling               | 64           |                      |
| head_dense   | fully connected               | 10           |                      |

The network is `cifar_resnet` (shortcut A), with a gate at the end of each branch (figure 2).

Where we depart from the authors' code: a dropped branch is computed all the same and then multiplied by zero,
so that training takes no less time, and its BatchNorm goes on counting; where the map shrinks, the shortcut
takes every second position, as in ResNet, where the code averages 2x2; convolutions have no bias.
"""

from course_lib.architectures._residual import cifar_network, equal_stages
from course_lib.architectures.resnet import BASIC, residual_branch, shortcut_path
from course_lib.backend import keras
from course_lib.checks import probability
from course_lib.layers import StochasticDepth

__all__ = ["stochastic_depth_resnet"]


def stochastic_depth_resnet(
    depth=110, *, survival=0.5, per_sample=False, name="stochastic_depth_resnet", **options
):
    """Build a ResNet for CIFAR-10 whose blocks survive a training step with linearly falling probability.

    Args:
        depth: number of layers, 6n + 2; 110 has 1,727,962 parameters.
        survival: p_L, the probability of the last block; block l of L has 1 - l / L (1 - p_L) (section 3).
        per_sample: True draws for each example; False, as in the paper, for the whole mini-batch.
        name: name of the model.
        **options: `input_shape` (any size works), `classes`, `width` (multiplies the channels of every
            layer), `classifier_activation` (None for logits).

    Raises:
        ValueError: if there is no network of that depth, or `survival` is no probability.
    """
    probability("survival", survival)
    depths = equal_stages(depth, len(BASIC))
    blocks = sum(depths)
    survivals = iter([1 - block / blocks * (1 - survival) for block in range(1, blocks + 1)])

    def block(x, filters, strides, *, name):
        y = residual_branch(x, filters, strides, kernels=BASIC, name=name)
        y = StochasticDepth(next(survivals), per_sample=per_sample, name=f"{name}_gate")(y)
        x = shortcut_path(x, filters[-1], strides, shortcut="A", name=name)
        x = keras.layers.Add(name=f"{name}_add")([x, y])
        return keras.layers.ReLU(name=f"{name}_relu")(x)

    return cifar_network(block, depths, (16, 16), name=name, **options)
