"""Write notebooks that an honest learner might hand in: right from top to bottom, however odd the order.

    python tests/grading/orders.py FOLDER FILE

runs the notebooks of the folder from top to bottom, as Jupyter does; what the checks said goes into the file.
"""

import json
import sys
from pathlib import Path

from course_lib.grading.release import ROOT

SIZE = "def output_size(size, kernel, stride, padding):\n    "
COUNT = "def conv2d_parameters(kernel, in_channels, filters):\n    "
FIELD = "def receptive_field(layers):\n    "
RIGHT_SIZE = "return (size + 2 * padding - kernel) // stride + 1"
RIGHT_FIELD = "size, jump = 1, 1\n    for kernel, stride in layers:\n        size, jump = "
RIGHT_FIELD += "size + (kernel - 1) * jump, jump * stride\n    return [size, jump]"
WRAPPER = """\
import functools
def logged(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        calls.append(arguments)
        return function(*arguments)
    return wrapper
calls = []
"""

# What stands in the place of an answer, by learner; "end" stands in the last cell.
ORDERS = {
    "rebinds_a_constant": {
        "output_size": f"bias = 1\n{SIZE}return (size + 2 * padding - kernel) // stride + bias",
        "conv2d_parameters": f"{COUNT}return (kernel * kernel * in_channels + bias) * filters",
        "end": "kernel, bias = 3, 0",
    },
    "rebinds_it_between_two_answers": {
        "output_size": f"bias = 1\n{SIZE}return (size + 2 * padding - kernel) // stride + bias",
        "receptive_field": "bias = 0\n" + FIELD + RIGHT_FIELD.replace("(kernel - 1)", "(kernel - 1 + bias)"),
        # These call `output_size`, which would read the other bias.
        "stack_totals": "bias = 1\n" + "@stack_totals@",
        "end": "bias = 2",
    },
    "loops_at_the_end": {
        "output_size": f"step = 1\n{SIZE}return (size + 2 * padding - kernel) // stride + step",
        "end": "for step in range(3):\n    pass\nwith open('/dev/null') as calls:\n    pass",
    },
    "uses_a_helper_s_name_twice": {
        "same_padding": """\
def helper(total):
    return [total // 2, total - total // 2]
def same_padding(size, kernel, stride):
    return helper(max((-(-size // stride) - 1) * stride + kernel - size, 0))""",
        "correlate": """\
def helper(image, kernel, y, x):
    return sum(w * image[y + i][x + j] for i, row in enumerate(kernel) for j, w in enumerate(row))
def correlate(image, kernel):
    rows, columns = range(len(image) - len(kernel) + 1), range(len(image[0]) - len(kernel[0]) + 1)
    return [[helper(image, kernel, y, x) for x in columns] for y in rows]""",
        "receptive_field": "helper = 1\n" + FIELD + RIGHT_FIELD.replace("= 1, 1", "= 1, helper"),
        "end": "helper = None",
    },
    "uses_a_class_s_name_twice": {
        "output_size": "class Layer:\n    def size(self, size, kernel, stride, padding):\n"
        f"        {RIGHT_SIZE}\noutput_size = Layer().size",
        "receptive_field": "class Layer:\n    jump = 1\n"
        + FIELD
        + RIGHT_FIELD.replace("= 1, 1", "= 1, Layer.jump"),
        "end": "class Layer:\n    jump = 2\nLayer.jump = 5",
    },
    "imports_everything": {
        "output_size": f"from math import *\n{SIZE}return floor((size + 2 * padding - kernel) / stride) + 1",
        "end": "floor = 5\nfrom cmath import *",
    },
    "rebinds_a_module": {
        "output_size": f"import math\n{SIZE}return math.floor((size + 2 * padding - kernel) / stride) + 1",
        "end": "import cmath as math",
    },
    "wraps_with_functools": {
        "output_size": f"import functools\n@functools.cache\n{SIZE}{RIGHT_SIZE}",
        "conv2d_parameters": f"{COUNT}return (kernel**2 * in_channels + 1) * filters\n"
        "conv2d_parameters = functools.lru_cache(conv2d_parameters)",
        "same_padding": "def padded(parts, size, kernel, stride):\n"
        "    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)\n"
        "    return [total // parts, total - total // parts]\nsame_padding = functools.partial(padded, 2)",
        "end": "same_padding = functools.partial(padded, 1)\nfunctools = None",
    },
    "decorates": {
        "output_size": f"{WRAPPER}@logged\n{SIZE}{RIGHT_SIZE}",
        "same_padding": "@logged\n@same_padding@",
        "end": "def logged(function):\n    return None\ncalls = None",
    },
    "writes_lambdas": {
        "output_size": "output_size = lambda size, kernel, stride, padding: "
        "(size + 2 * padding - kernel) // stride + one\none = 1",
        "conv2d_parameters": "conv2d_parameters = (lambda k, i, f: (k * k * i + one) * f)",
        "end": "one = 'done'",
    },
    "assigns_what_another_name_holds": {
        "output_size": f"{SIZE.replace('output_size', 'mine')}{RIGHT_SIZE}\noutput_size = mine",
        "receptive_field": f"{FIELD.replace('receptive_field', 'mine')}{RIGHT_FIELD}\nreceptive_field = mine",
        "end": "def mine():\n    pass",
    },
    "awaits_outside_functions": {
        "output_size": "import asyncio\none = await asyncio.sleep(0, result=1)\n"
        f"{SIZE}return (size + 2 * padding - kernel) // stride + one",
        "end": "one = await asyncio.sleep(0)",
    },
    "has_a_base_class_that_notes_who_extends_it": {
        "output_size": "class Layer:\n    kinds = {}\n    def __init_subclass__(cls):\n"
        "        cls.kinds[cls.__name__] = cls\nclass Convolution(Layer):\n"
        f"    def size(self, size, kernel, stride, padding):\n        {RIGHT_SIZE}\n"
        f'{SIZE}return Layer.kinds["Convolution"]().size(size, kernel, stride, padding)',
        "end": "class Convolution(Layer):\n    size = None",
    },
    "makes_answers_in_a_factory": {
        "output_size": f"def make(bias):\n    {SIZE.replace('    ', '        ')}    return (size "
        "+ 2 * padding - kernel) // stride + bias\n    return output_size\noutput_size = make(1)",
        "conv2d_parameters": "def make():\n    return lambda k, i, f: (k * k * i + 1) * f\n"
        "conv2d_parameters = make()",
        "end": "def make(bias):\n    return bias\noutput_size = make(2)",
    },
    "fixes_a_default": {
        "output_size": "bias = 1\ndef output_size(size, kernel, stride, padding, bias=bias):\n"
        "    return (size + 2 * padding - kernel) // stride + bias",
        "end": "bias = 0",
    },
    "uses_magics": {
        "output_size": f"%%time\nbias = 1\n{SIZE}return (size + 2 * padding - kernel) // stride + bias",
        "check_output_size": '%%time\ncheck("output_size", output_size)',
        "check_same_padding": '%time check("same_padding", same_padding)',
        "check_correlate": '%precision 3\ncheck("correlate", correlate);',
        "end": "%time bias = 0\n%time print(bias)",
    },
    "comments_and_prints": {
        "output_size": f"# é ü: first try\n# bias = 5\nbias = 1  # of one\n{SIZE}print(size)\n    "
        "return (size + 2 * padding - kernel) // stride + bias\nprint(output_size(7, 3, 1, 0), bias)",
        "check_output_size": '# now!\nprint(check("output_size", output_size))',
        "check_same_padding": 'result = check("same_padding", same_padding)\nresult',
        "check_correlate": 'display(check("correlate", correlate))',
        "check_ledger_row": 'check(question="ledger_row", answer=ledger_row)',
        "check_receptive_field": 'check("receptive_field", answer=receptive_field)',
        "end": "bias = 0\nprint(bias)",
    },
    "checks_under_conditions": {
        "output_size": f"bias = 1\n{SIZE}return (size + 2 * padding - kernel) // stride + bias",
        "check_output_size": 'if bias:\n    print("checking")\n    check("output_size", output_size)',
        "check_same_padding": 'for _ in range(2):\n    check("same_padding", same_padding)',
        "check_correlate": 'try:\n    check("correlate", correlate)\nexcept Exception:\n    raise',
        "end": "bias = 0",
    },
    "defines_under_conditions": {
        "output_size": f"bias = 1\nif bias:\n    {SIZE.replace('    ', '        ')}    {RIGHT_SIZE}\nelse:\n"
        "    output_size = None",
        "receptive_field": "try:\n    import torch_of_nobody\nexcept ImportError:\n    jump = 1\n"
        + FIELD
        + RIGHT_FIELD.replace("= 1, 1", "= 1, first()")
        + "\nfirst = lambda: jump",
        "end": "bias = jump = 0",
    },
    "uses_the_answers_names_again": {
        "end": "receptive_field = receptive_field([[3, 1]])\nfor output_size in range(3):\n    pass\n"
        "conv2d_parameters, correlate = 156, []\ndel same_padding",
    },
    "defines_it_again_and_does_not_check": {
        "end": f"{SIZE}return size // stride\n{COUNT}return kernel * filters",
    },
    "tries_twice": {
        "output_size": f'bias = 0\n{SIZE}return size // stride\ncheck("output_size", output_size)\nbias = 1\n'
        f"{SIZE}return (size + 2 * padding - kernel) // stride + bias",
        "end": "bias = 2",
    },
    "changes_a_table": {
        "output_size": f"TERMS = []\nTERMS.append(1)\n{SIZE}return (size + 2 * padding - kernel) // stride "
        "+ sum(TERMS)",
        "end": "TERMS.append(2)\nTERMS[0] = 5\nTERMS.clear()",
    },
    "adds_to_a_constant": {
        "output_size": f"bias = 0\nbias += 1\n{SIZE}return (size + 2 * padding - kernel) // stride + bias",
        "end": "bias += 1\nbias: float = bias / 2",
    },
    "deletes_a_helper": {
        "output_size": f"def one():\n    return 1\n{SIZE}return (size + 2 * padding - kernel) // stride "
        "+ one()",
        "end": "del one\ndel output_size",
    },
    "changes_a_global_in_a_function": {
        "output_size": "bias = 0\ndef set_bias(value):\n    global bias\n    bias = value\nset_bias(1)\n"
        f"{SIZE}return (size + 2 * padding - kernel) // stride + bias",
        "end": "set_bias(0)",
    },
    "keeps_a_state_in_the_function": {
        "output_size": f"{SIZE}return (size + 2 * padding - kernel) // stride + output_size.bias\n"
        "output_size.bias = 1",
        "end": "output_size.bias = 0",
    },
    "hides_python_s_functions": {
        "end": "sum = 3\nmax = len = range = None\nfor zip in ():\n    pass",
    },
    "uses_numpy": {
        "conv2d_parameters": f"import numpy as np\nones = np.ones(3)\n{COUNT}return int(np.array([kernel**2 "
        "* in_channels, 1]) @ ones[:2]) * filters",
        "end": "ones[:] = 0\nnp = None",
    },
    "keeps_the_stub": {
        "same_padding": "def same_padding(size, kernel, stride):\n    raise NotImplementedError()\n"
        "@my_same_padding@",
        "check_same_padding": 'check("same_padding", my_same_padding)',
        "end": "def my_same_padding():\n    pass",
    },
    "takes_annotations_from_the_future": {
        "output_size": "from __future__ import annotations\nbias: Whole = 1\n"
        f"{SIZE.replace('size,', 'size: Whole,')}return (size + 2 * padding - kernel) // stride + bias",
        "end": "bias: Whole = 0",
    },
    "writes_all_in_one_cell": {
        "output_size": f"bias = 1\n{SIZE}return (size + 2 * padding - kernel) // stride + bias",
        "end": "bias = 0",
        "join": True,
    },
}


def cells(order, exercise="00_foundations"):
    """Return the sources of the code cells of a solution in which these answers stand instead."""
    solution = json.loads((ROOT / "solutions" / f"{exercise}.ipynb").read_text(encoding="utf-8"))
    written = []
    for cell in solution["cells"]:
        if cell["cell_type"] == "code":
            source, name = "".join(cell["source"]), cell["metadata"].get("nbgrader", {}).get("grade_id")
            own = order.get(name, source)
            own = own.replace(f"@my_{name}@", source.replace(f"def {name}", f"def my_{name}"))
            written.append(own.replace(f"@{name}@", source))
    written.append(order["end"])
    return ["\n".join(written)] if order.get("join") else written


def notebook(sources):
    """Return a notebook of code cells as text."""
    made = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": number}
        for number, source in enumerate(sources, 1)
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


def said(path):
    """Run a notebook from top to bottom and return what its checks said last, {question: status}."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    from course_lib.grading import learner

    learner._verdicts.clear()
    shell = InteractiveShell(config=Config(HistoryManager={"enabled": False}))
    for cell in json.loads(path.read_text())["cells"]:
        done = shell.run_cell(cell["source"], store_history=False)
        if not done.success:
            return {"failed": repr(done.error_before_exec or done.error_in_exec)}
    return {name: verdict.status for name, verdict in learner._verdicts.items()}


if __name__ == "__main__":
    verdicts = {path.stem: said(path) for path in sorted(Path(sys.argv[1]).glob("*.ipynb"))}
    Path(sys.argv[2]).write_text(json.dumps(verdicts))
