"""Layers, loss, metric and initial weights that Keras lacks or computes too slowly, one file each."""

from course_lib.layers.conv2d import Conv2D
from course_lib.layers.digit_bitmaps import DIGIT_BITMAPS
from course_lib.layers.euclidean_rbf import EuclideanRBF
from course_lib.layers.fan_in_uniform import FanInUniform
from course_lib.layers.fractal_join import FractalJoin
from course_lib.layers.local_response_normalization import LocalResponseNormalization
from course_lib.layers.locally_connected2d import LocallyConnected2D
from course_lib.layers.map_loss import MAPLoss
from course_lib.layers.nearest_accuracy import NearestAccuracy
from course_lib.layers.partial_conv2d import LENET_TABLE, PartialConv2D
from course_lib.layers.scaled_tanh import scaled_tanh
from course_lib.layers.stochastic_depth import StochasticDepth
from course_lib.layers.subsampling2d import Subsampling2D

__all__ = [
    "DIGIT_BITMAPS",
    "LENET_TABLE",
    "Conv2D",
    "EuclideanRBF",
    "FanInUniform",
    "FractalJoin",
    "LocalResponseNormalization",
    "LocallyConnected2D",
    "MAPLoss",
    "NearestAccuracy",
    "PartialConv2D",
    "StochasticDepth",
    "Subsampling2D",
    "scaled_tanh",
]
