"""Hold a picture with its description, and the paper, colours and letters that all pictures share.

Colours are those of Okabe and Ito ("Color universal design", 2008), which colour-blind readers tell apart,
and never the only sign: markers, dashes, numbers or names repeat them. The paper is opaque and nearly white:
a picture looks the same on a light and on a dark page. Nothing passes through pyplot or changes its settings.
"""

from html import escape
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from course_lib import checks

__all__ = ["Picture", "add_axes", "add_legend", "canvas", "require_few", "rgb", "times", "write"]

PAPER, INK, QUIET, GRID = "#fcfbf8", "#222222", "#666666", "#e4e1da"
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
COLOURS, MARKERS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, INK), "os^DvPX"
WIDTH = 9.2  # inches; at 96 pixels an inch, the text column of JupyterLab and GitHub


class Picture:
    """Hold a drawing and what it shows in words.

    A notebook gets a PNG at twice the screen's resolution. The description goes wherever one is read: to
    `text/plain` (VS Code), to the image's metadata (nbconvert's classic pages) and to a line below that
    unfolds, because JupyterLab and GitHub give no image an alternative text.

    Attributes:
        figure: the `matplotlib.figure.Figure`, from which a test reads what was plotted.
        alt: the description.
    """

    def __init__(self, figure, alt):
        is_description = isinstance(alt, str) and alt.strip()
        checks.require(is_description, "A picture must have a description.", f"{alt=}")
        self.figure = figure
        self.alt = alt

    def __repr__(self):
        return self.alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        drawn = BytesIO()
        self._write(drawn, format="png")
        image = Image.open(drawn).convert("RGB")
        image = image.quantize(256, dither=Image.Dither.NONE)  # a third of the bytes
        png = BytesIO()
        image.save(png, format="png", optimize=True)
        metadata = {"width": image.width // 2, "height": image.height // 2, "alt": self.alt}
        return {"image/png": png.getvalue(), "text/plain": self.alt}, {"image/png": metadata}

    def _ipython_display_(self):
        from IPython.display import HTML, display

        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)
        display(HTML(f"<details><summary>The picture in words</summary>{escape(self.alt)}</details>"))

    def save(self, path):
        """Write the drawing to a file in the format that its suffix names, such as `.png` or `.svg`."""
        self._write(Path(path))

    def _write(self, target, **options):
        self.figure.savefig(target, dpi=192, facecolor=PAPER, bbox_inches="tight", pad_inches=0.12, **options)


def add_axes(figure, *place, title=None, x_label=None, y_label=None, grid="y"):
    """Return plain axes in the course's style."""
    axes = figure.add_subplot(*place, facecolor=PAPER)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET)
    axes.tick_params(color=QUIET, labelcolor=INK, labelsize=9, length=3)
    axes.grid(axis=grid, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_title(title or "", fontsize=11, color=INK, loc="left")
    axes.set_xlabel(x_label or "", fontsize=10, color=INK)
    axes.set_ylabel(y_label or "", fontsize=10, color=INK)
    return axes


def add_legend(axes, **options):
    """Add a legend, by default right of the axes, where it covers nothing."""
    place = {"loc": "center left", "bbox_to_anchor": (1.02, 0.5)}
    axes.legend(frameon=False, fontsize=9, labelcolor=INK, handlelength=2.6, **(place | options))


def canvas(width, height):
    """Return a figure and empty axes whose coordinates are inches from the lower left corner."""
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    return figure, axes


def write(axes, x, y, words, size=9, color=INK, **options):
    """Write words, centred on a point unless the options say otherwise."""
    axes.text(x, y, words, fontsize=size, color=color, **{"ha": "center", "va": "center"} | options)


def rgb(colour):
    """Return a colour such as `#0072B2` as three numbers in [0, 1]."""
    return np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])


def times(sides, sign="\N{MULTIPLICATION SIGN}"):
    """Return sizes such as (28, 28, 6) with the sign between them; descriptions take the letter x."""
    return f" {sign} ".join(str(side) for side in sides)


def require_few(items, what):
    """Refuse more lines than there are colours, or none."""
    few = 1 <= len(items) <= len(COLOURS)
    checks.require(few, f"{what} must be 1 to {len(COLOURS)}.", str(len(items)))
