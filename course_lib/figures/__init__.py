"""Draw every picture of the chapters, each with a description in words.

Every function returns a `Picture` and takes `alt`, its description. The default is made from names, shapes
and counts, never from trained digits: a notebook's stored text must be the same on every machine.
"""

from course_lib.figures.alexnet import predictions, towers
from course_lib.figures.googlenet import river
from course_lib.figures.lenet5 import connection_table
from course_lib.figures.networks import architecture
from course_lib.figures.nin import class_maps
from course_lib.figures.paper import Picture
from course_lib.figures.plots import bars, columns, learning_curves, lines, panels
from course_lib.figures.preact_resnet import orders
from course_lib.figures.resnet import skeletons
from course_lib.figures.squeezenet import error_by_size, levels
from course_lib.figures.stochastic_depth import lamps
from course_lib.figures.tiles import feature_maps, filters, images, receptive_field
from course_lib.figures.vgg import pyramid
from course_lib.figures.wide_resnet import kernels, shares

__all__ = [
    "Picture",
    "architecture",
    "bars",
    "class_maps",
    "columns",
    "connection_table",
    "error_by_size",
    "feature_maps",
    "filters",
    "images",
    "kernels",
    "lamps",
    "learning_curves",
    "levels",
    "lines",
    "orders",
    "panels",
    "predictions",
    "pyramid",
    "receptive_field",
    "river",
    "shares",
    "skeletons",
    "towers",
]
