"""The networks, one file a chapter; builders are functions of this package. `outline` builds shapes alone."""

from course_lib.architectures._common import outline
from course_lib.architectures.alexnet import alexnet, alexnet_one_tower
from course_lib.architectures.densenet import (
    cifar_densenet,
    dense_block,
    densenet121,
    densenet161,
    densenet169,
    densenet201,
    transition,
)
from course_lib.architectures.fractalnet import fractalnet, fractalnet_column
from course_lib.architectures.googlenet import (
    googlenet,
    googlenet_inference,
    inception_module,
    naive_inception_module,
)
from course_lib.architectures.lenet5 import lenet5, lenet5_modern
from course_lib.architectures.nin import mlpconv, nin_cifar10, nin_imagenet
from course_lib.architectures.preact_resnet import preact_resnet
from course_lib.architectures.resnet import (
    cifar_plain,
    cifar_resnet,
    plain18,
    plain34,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
)
from course_lib.architectures.resnext import cifar_resnext29, resnext50
from course_lib.architectures.squeezenet import fire_module, squeezenet1_0, squeezenet1_1
from course_lib.architectures.stochastic_depth import stochastic_depth_resnet
from course_lib.architectures.vgg import vgg16, vgg19, vgg_a, vgg_a_lrn, vgg_b, vgg_c, vgg_d, vgg_e
from course_lib.architectures.wide_resnet import wide_resnet, wide_resnet50_2
from course_lib.architectures.zfnet import zfnet, zfnet_wide

__all__ = [
    "alexnet",
    "alexnet_one_tower",
    "cifar_densenet",
    "cifar_plain",
    "cifar_resnet",
    "cifar_resnext29",
    "dense_block",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
    "fire_module",
    "fractalnet",
    "fractalnet_column",
    "googlenet",
    "googlenet_inference",
    "inception_module",
    "lenet5",
    "lenet5_modern",
    "mlpconv",
    "naive_inception_module",
    "nin_cifar10",
    "nin_imagenet",
    "outline",
    "plain18",
    "plain34",
    "preact_resnet",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50",
    "squeezenet1_0",
    "squeezenet1_1",
    "stochastic_depth_resnet",
    "transition",
    "vgg16",
    "vgg19",
    "vgg_a",
    "vgg_a_lrn",
    "vgg_b",
    "vgg_c",
    "vgg_d",
    "vgg_e",
    "wide_resnet",
    "wide_resnet50_2",
    "zfnet",
    "zfnet_wide",
]
