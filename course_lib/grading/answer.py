"""Ask a learner's answer one case, and bring back plain data whatever the answer does."""

import math
from types import FunctionType

from course_lib import graph

__all__ = ["attempt", "plain"]

LARGEST = 10_000  # parts of a value, bits of a number, letters of a text
WORD = 64  # bits of a number, or letters of a text, that count as one part of a value
DEEPEST = 100  # lists in each other; who compares them goes as deep


class _TooLargeError(TypeError):
    """A value has more parts, or a number more digits, than are looked at."""


class _NotPlainError(TypeError):
    """A value, or a part of one, has no form as plain data; its argument is that part."""


def _stub():
    raise NotImplementedError()


def _stub_without_call():
    raise NotImplementedError


STUBS = (_stub.__code__.co_code, _stub_without_call.__code__.co_code)


def attempt(answer, case):
    """Call `answer` with the arguments of `case` and return what happened, as JSON data.

    Returns one of
        {"value": data}: what it returned, as numbers, strings, booleans, None and lists of them; a Keras
            model is a list of rows `[kind, output shape, parameters]`, see `_rows`;
        {"type": name}: it returned something else, a value of that type; with "large": True, if it has too
            many parts or digits; "holds" names the type of a part that is the reason;
        {"raised": name, "message": text, "within": name, "written": truth, "system": truth}: it raised;
            `within` names the function that did, if it was another one; `written` says whether it does more
            than to raise NotImplementedError; `system`, whether the operating system refused something;
        {"uncallable": name}: it is no function, but a value of that type.
    A question without arguments takes a value in place of a function. Nothing is raised.
    """
    try:
        if callable(answer):
            returned = answer(*case)
        elif case:
            return {"uncallable": _name(answer)}
        else:
            returned = answer
    except BaseException as error:  # SystemExit and an interrupt are answers too
        return _raised(answer, error)
    try:
        return {"value": plain(returned)[0]}
    except _TooLargeError:
        return {"type": _name(returned), "large": True}
    except _NotPlainError as error:
        part = error.args[0]
        return {"type": _name(returned)} | ({} if part is returned else {"holds": _name(part)})
    except BaseException:  # whatever a hostile object does when it is looked at
        return {"type": _name(returned)}


def _raised(answer, error):
    trace, code = error.__traceback__, None
    while trace is not None:
        trace, code = trace.tb_next, trace.tb_frame.f_code
    try:
        message = " ".join(str(error).encode(errors="backslashreplace").decode().split())[:200].rstrip(".")
    except BaseException:
        message = ""
    own = code is attempt.__code__ or (type(answer) is FunctionType and code is answer.__code__)
    within = "" if own else code.co_name
    written = not (type(answer) is FunctionType and answer.__code__.co_code in STUBS)
    return {
        "raised": _name(error),
        "message": message,
        "within": within,
        "written": written,
        "system": message == "can't start new thread" or _is_of_the_system(error),
    }


def _is_of_the_system(error):
    """Say whether it is an OSError, or one was under way when it was raised."""
    for _ in range(20):
        if error is None or issubclass(type(error), OSError):
            return error is not None
        error = BaseException.__context__.__get__(error)
    return False


def _name(value):
    """Return the name of the type, which neither the value nor its type can make up."""
    return type.__dict__["__name__"].__get__(type(value))[:80]


def plain(value):
    """Return `value` as JSON data, and how many parts it has; raise TypeError if it has no such form."""
    room = [LARGEST]
    return _plain(value, room), LARGEST - room[0]


def _plain(value, room, depth=0):
    """Return `value` as JSON data, free of the learner's classes; raise TypeError if it has no such form."""
    kind = type(value)
    _spend(room)
    if depth > DEEPEST:
        raise TypeError("too deep")
    if value is None or kind is bool:
        return value
    if issubclass(kind, int):
        whole = int.__int__(value)
        if whole.bit_length() > LARGEST:  # too long to be written
            raise _TooLargeError
        _spend(room, whole.bit_length() // WORD)
        return whole
    if issubclass(kind, float):
        return float.__float__(value)
    if issubclass(kind, str):
        text = str.__str__(value)[:LARGEST]
        _spend(room, len(text) // WORD)
        return text
    if issubclass(kind, (list, tuple)):
        entries = list.__iter__(value) if issubclass(kind, list) else tuple.__iter__(value)
        return [_plain(entry, room, depth + 1) for entry in entries]
    if graph.is_model(value):
        return [_plain(row, room) for row in _rows(value, room)]
    for convert in ("numpy", "tolist"):  # a tensor becomes an array, an array or a NumPy number plain data
        if hasattr(kind, convert):
            return _plain(getattr(value, convert)(), room, depth + 1)
    raise _NotPlainError(value)


def _rows(model, room):
    """Yield `[kind, output shape, parameters]` for each layer that has weights or changes the shape.

    The kind is the name of the layer's class, the shape lacks the batch axis, parameters are those that
    training changes. A shared layer has a row a call; its weights count at the first. Branch after branch,
    each layer after those whose results it takes. The layers of a model inside stand in its place, with the
    shapes of its own graph.
    """
    counted = set()
    for step in graph.steps(model, nested=True, visit=lambda: _spend(room)):
        layer = step.operation
        shape = step.outputs[0].shape[1:]
        is_reshaped = shape not in [tensor.shape[1:] for tensor in step.inputs]
        if is_reshaped or getattr(layer, "weights", ()):
            weights = getattr(layer, "trainable_weights", ())
            new = [weight for weight in weights if id(weight) not in counted]
            counted.update(map(id, new))
            yield [_name(layer), shape, sum(math.prod(weight.shape) for weight in new)]


def _spend(room, parts=1):
    room[0] -= parts
    if room[0] < 0:
        raise _TooLargeError
