"""Change a right function in one place, as a slip of the pen would, and say in general words what it was.

The words name arguments, since the learner knows these, and otherwise the kind of change alone: they give no
answer away. `course_lib.grading.mistakes` compares what comes out with what a learner's answer returned.
"""

import ast
import textwrap

__all__ = ["mutants"]

CEIL = "A division rounds the wrong way: one that rounds down should round up, or the other way round."
COMPARISON = "A comparison is one off: `<` for `<=`, or `>` for `>=`."
SIGN = "A sign is wrong: something is subtracted that should be added, or the other way round."
LOOP_LONG = "A loop runs once too often, or begins one too early."
LOOP_SHORT = "A loop ends one too early, or begins one too late."
STALE = "Something that changes from step to step stays as it was: does the loop carry everything on?"
ORDER = "Two steps are in the wrong order: something is used before it changes, or after."
OUTSIDE = "Something changes after a loop that should change in each of its steps."
PART_OF_SUM = "A factor belongs to a whole sum, and multiplies a part of it: look at the parentheses."
EXTREME = "The largest and the smallest are exchanged: `max` for `min`, or the other way round."
POWER = "A square is missing: what is as high as wide counts along both sides."
CONSTANT = "A number that is added, multiplied or divided by is 1 too large or too small."
SLICE = "A part of a list begins or ends one place off."
SIDES = {"left": "right", "right": "left"}  # of an operation, and what is left without it


def mutants(head, body, arguments):
    """Yield pairs (sentence, source) of a function changed in one place.

    Args:
        head: the line `def name(...):`.
        body: the lines below it, indented.
        arguments: kinds of the arguments, by their names; one takes another's place only if it is of its
            kind. (A list in the place of a number would be repeated some million times.)
    """
    source = textwrap.dedent(f"{head}\n{body}")
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    for number, node in enumerate(ast.walk(tree)):
        for sentence, change in _changes(node, arguments):
            changed = ast.parse(source)
            twin = next(twin for place, twin in enumerate(ast.walk(changed)) if place == number)
            replacement = change(twin)
            if replacement is not None:
                _replace(changed, twin, replacement)
            text = ast.unparse(ast.fix_missing_locations(changed))
            if text not in seen:
                seen.add(text)
                yield sentence, text


def _replace(tree, old, new):
    """Put one node in the place of another, wherever it stands."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
                return
            if isinstance(value, list):
                for index, entry in enumerate(value):
                    if entry is old:
                        value[index] = new
                        return


def _changes(node, arguments):
    """Yield pairs (sentence, change): `change(node)` alters the node, or returns one for its place."""
    if isinstance(node, ast.BinOp):
        yield from _of_operations(node, arguments)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in arguments:
        for other in arguments:
            if other != node.id and arguments[other] == arguments[node.id]:
                sentence = f"`{other}` is used in a place where `{node.id}` belongs."
                yield sentence, lambda twin, other=other: ast.Name(other, ast.Load())
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield from _of_comparisons(node)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        yield from _of_calls(node)
    elif isinstance(node, ast.Subscript):
        yield from _of_subscripts(node)
    elif isinstance(node, ast.For | ast.While):
        for index, statement in enumerate(node.body):
            if isinstance(statement, ast.Assign | ast.AugAssign) and len(node.body) > 1:
                yield STALE, lambda twin, index=index: twin.body.pop(index) and None
        for index in range(len(node.body) - 1):
            yield ORDER, lambda twin, index=index: twin.body.insert(index, twin.body.pop(index + 1))
        for index, statement in enumerate(node.body):
            if isinstance(statement, ast.For) and len(statement.body) > 1:
                yield (
                    OUTSIDE,
                    lambda twin, index=index: twin.body.insert(index + 1, twin.body[index].body.pop()),
                )
    elif isinstance(node, ast.IfExp):
        yield "A condition is left out: one of its two cases is taken always.", lambda twin: twin.body
        yield "A condition is left out: one of its two cases is taken always.", lambda twin: twin.orelse
    elif isinstance(node, ast.BoolOp):
        for value in range(len(node.values)):
            sentence = "A condition has a part that is left out: look at each `and` and `or`."
            yield sentence, lambda twin, value=value: twin.values[value]
        yield "`and` and `or` are exchanged in a condition.", _other_word


def _other_word(twin):
    twin.op = ast.Or() if isinstance(twin.op, ast.And) else ast.And()


def _of_operations(node, arguments):
    operator = node.op
    if isinstance(operator, ast.Add):
        yield SIGN, lambda twin: setattr(twin, "op", ast.Sub())
        for side in SIDES:
            yield from _without(node, side, arguments, "summand")
    elif isinstance(operator, ast.Sub):
        yield SIGN, lambda twin: setattr(twin, "op", ast.Add())
        yield from _without(node, "right", arguments, "summand")
    elif isinstance(operator, ast.Mult):
        for side in SIDES:
            for count in range(1, len(_summands(getattr(node, side)))):
                for first in (count, -count):
                    yield PART_OF_SUM, lambda twin, side=side, first=first: _distributed(twin, side, first)
        for side in SIDES:
            yield from _without(node, side, arguments, "factor")
        yield "Something is added that should be multiplied.", lambda twin: setattr(twin, "op", ast.Add())
    elif isinstance(operator, ast.FloorDiv):
        yield CEIL, _ceil
        yield "A division is left out.", lambda twin: twin.left
        yield from _constant(node, "right")
    elif isinstance(operator, ast.Div):
        yield "A division is left out.", lambda twin: twin.left
        yield "A division stands where a product belongs.", lambda twin: setattr(twin, "op", ast.Mult())
    elif isinstance(operator, ast.Pow):
        is_square = isinstance(node.right, ast.Constant) and node.right.value == 2
        yield (POWER if is_square else "A power is left out."), lambda twin: twin.left
        yield "A power is a product: `**` is not `*`.", lambda twin: setattr(twin, "op", ast.Mult())
        yield from _constant(node, "right", "An exponent is 1 too large or too small.")


def _summands(node):
    """Return the parts of a sum, in order; of anything else, itself."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_summands(node.left), *_summands(node.right)]
    return [node]


def _distributed(twin, side, count):
    """Return a product whose factor multiplies the first `count` summands alone; negative: the last."""
    parts = _summands(getattr(twin, side))
    factor = twin.right if side == "left" else twin.left
    inside, outside = (parts[:count], parts[count:]) if count > 0 else (parts[count:], parts[:count])
    total = ast.BinOp(factor, ast.Mult(), _sum(inside))
    return _sum([total, *outside])


def _sum(parts):
    total = parts[0]
    for part in parts[1:]:
        total = ast.BinOp(total, ast.Add(), part)
    return total


def _without(node, side, arguments, kind):
    """Yield an operation without its part on a side, and with another number there; name an argument."""
    part = getattr(node, side)
    name = f" `{part.id}`" if isinstance(part, ast.Name) and part.id in arguments else ""
    yield f"A {kind}{name} is missing.", lambda twin: getattr(twin, SIDES[side])
    yield from _constant(node, side)


def _constant(node, side, sentence=CONSTANT):
    part = getattr(node, side)
    if isinstance(part, ast.Constant) and type(part.value) is int:
        for step in (1, -1):
            yield (
                sentence,
                lambda twin, step=step: setattr(twin, side, ast.Constant(getattr(twin, side).value + step)),
            )


def _ceil(twin):
    negative = ast.UnaryOp(ast.USub(), twin.left)
    return ast.UnaryOp(ast.USub(), ast.BinOp(negative, ast.FloorDiv(), twin.right))


def _of_comparisons(node):
    pairs = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
    other = pairs.get(type(node.ops[0]))
    if other:
        yield COMPARISON, lambda twin: setattr(twin, "ops", [other()])


def _of_calls(node):
    name = node.func.id
    if name in ("min", "max"):
        other = "max" if name == "min" else "min"
        yield EXTREME, lambda twin: setattr(twin.func, "id", other)
        if len(node.args) == 2:
            for index in (0, 1):
                yield "A limit is left out: look at each `min` and `max`.", lambda twin, i=index: twin.args[i]
    elif name == "range" and node.args:
        last = min(len(node.args), 2) - 1
        yield LOOP_LONG, lambda twin: _shift(twin.args, last, 1)
        yield LOOP_SHORT, lambda twin: _shift(twin.args, last, -1)
        if last == 1:
            yield LOOP_LONG, lambda twin: _shift(twin.args, 0, -1)
            yield LOOP_SHORT, lambda twin: _shift(twin.args, 0, 1)
        else:
            yield LOOP_SHORT, lambda twin: twin.args.insert(0, ast.Constant(1))
    elif name == "sum" and len(node.args) == 1:
        yield "The largest is taken where all are to be added.", lambda twin: setattr(twin.func, "id", "max")


def _shift(parts, index, step):
    parts[index] = ast.BinOp(parts[index], ast.Add(), ast.Constant(step))


def _of_subscripts(node):
    if isinstance(node.slice, ast.Constant) and type(node.slice.value) is int:
        for step in (1, -1):
            if node.slice.value + step >= 0:
                value = node.slice.value + step
                yield (
                    "An entry of a list is taken one place off.",
                    lambda twin, value=value: setattr(twin, "slice", ast.Constant(value)),
                )
    elif isinstance(node.slice, ast.Slice):
        yield SLICE, lambda twin: twin.value
        for end in ("lower", "upper"):
            part = getattr(node.slice, end)
            if isinstance(part, ast.Constant) and type(part.value) is int:
                for step in (1, -1):
                    yield (
                        SLICE,
                        lambda twin, end=end, step=step: setattr(
                            twin.slice, end, ast.Constant(getattr(twin.slice, end).value + step)
                        ),
                    )
