"""Cut a notebook into statements, and choose those that an answer needs: all others need not run.

A notebook is a learner's: whoever calls this does it in a process that may be lost.
"""

import ast
import builtins
import json
import re
import symtable

__all__ = ["program", "read", "standing", "statements"]

KEPT_CELL_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun", "%%debug")
# Why an answer may not stand as it stood when its check said Right.
STANDINGS = {
    "unchecked": (
        "No `check` of this answer stands below it, outside functions: it was run with the last values of "
        "what it uses."
    ),
    "late": (
        "The last check of this answer stands above something that it uses: it was run with the last values "
        "of what it uses. Move the check below that."
    ),
    "defined below": (
        "This answer is defined again below its last check: it was judged as it stood at the check."
    ),
    "several checks": (
        "This answer has several checks, and what it uses changes between them: the last one counts."
    ),
    "another order": (
        "The cells of this answer were not run from top to bottom: restart the kernel and run all cells to "
        "see what it does then."
    ),
}

# An assignment of these and nothing else gives a second name to what has one.
KEEPING = ast.Name | ast.Attribute | ast.Subscript | ast.Slice | ast.Constant | ast.expr_context
KEEPING |= ast.List | ast.Tuple | ast.Set | ast.Dict | ast.Starred


def read(content, names, heavy, sign):
    """Find in a notebook the program that defines each of `names`.

    Args:
        content: the bytes of the file.
        names: of questions.
        heavy: modules that take long to import; a program that imports one says so.
        sign: what the stored output of a check begins with where it said Right.

    Returns:
        Plain data: {"unreadable": why}, or {"found": answers by name, "said_right": names}. An answer is
        {"broken": why}, or {"program": [source, whether all is lost if it fails] a statement, "uses": other
        names, "heavy": bool, "definitions": how many there are that do something, "standing": key of
        `STANDINGS` or None}. It stands as it stood at its last check, where the notebook tells.
    """
    try:
        notebook = json.loads(content)  # of UTF-8, or UTF-16 as PowerShell writes it
    except (ValueError, RecursionError) as error:
        what = "too deeply nested" if isinstance(error, RecursionError) else "not JSON"
        return {"unreadable": f"it is {what}"}
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        return {"unreadable": "it is JSON, but has no list of cells"}
    cells = [cell for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    written, broken = [], []
    for cell in cells:
        source = _text(cell.get("source"))
        try:
            in_cell = statements(source)
        except Exception as error:  # a SystemError of Python's own tokenizer, too, costs this cell alone
            broken.append((source, _described(error)))
            continue
        count = cell.get("execution_count")
        for statement in in_cell:
            statement.count = count if isinstance(count, int) else None
        written += in_cell
    found = {}
    for name in names:
        answer = _answer(name, names, written, broken, heavy)
        if answer:
            found[name] = answer
    return {"found": found, "said_right": _said_right(cells, names, sign)}


def _answer(name, names, written, broken, heavy):
    if not any(statement.defines(name) for statement in written):
        written = _with_what_was_checked(name, written)
    definitions = [place for place, statement in enumerate(written) if statement.defines(name)]
    pattern = re.compile(rf"^\s*(?:def\s+{name}\b|{name}\s*=)", re.MULTILINE)
    failures = [why for source, why in broken if pattern.search(source)]
    if failures and not definitions:
        return {"broken": failures[-1]}
    if not any(name in statement.binds and not statement.is_import for statement in written):
        return None
    needed, end, standing = _as_checked(name, written, definitions)
    defined = set().union(*(statement.binds for statement in needed if statement.is_definition))
    return {
        "program": [[statement.source, statement.must_work] for statement in needed],
        "uses": [other for other in names if other != name and other in defined],
        "heavy": any(statement.needs_any(heavy) for statement in needed),
        "definitions": sum(place < end for place in definitions),
        "standing": standing,
    }


def _with_what_was_checked(name, written):
    """Return the statements, with one that gives `name` to what its last check was given under another."""
    for place in reversed(range(len(written))):
        given = written[place].checks.get(name)
        if given is None or getattr(given, "id", None) == name:
            continue
        try:
            (assigned,) = statements(f"{name} = {ast.unparse(given)}")
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # it is nested too deeply, say
            return written
        assigned.count = written[place].count
        return [*written[:place], assigned, *written[place:]]
    return written


def _as_checked(name, written, definitions):
    """Return the statements that an answer needs, how many of the notebook's they are from, and a standing.

    They are from those down to its last check, as if the notebook had been run from top to bottom. Where that
    cannot have been, or where no check stands below a definition, they are from all. The standing is a key of
    `STANDINGS`, or None if nothing is to be said.
    """
    everything = len(written)
    if not definitions:  # nothing but stubs
        return program(name, written), everything, None
    checks = [place for place in range(definitions[0], everything) if name in written[place].checks]
    if not checks:
        needed = program(name, written)
        is_the_same = needed == program(name, written[: definitions[-1] + 1])
        return needed, everything, None if is_the_same else "unchecked"
    check, end = written[checks[-1]], checks[-1] + 1
    needed = program(name, written[:end])
    wanted = {name}.union(*(statement.uses for statement in needed))
    if wanted & _late(written, end):
        return program(name, written), everything, "late"
    rebound = [statement for statement in written[end:] if statement.binds & wanted]
    ran_before = [statement for statement in rebound if _ran_before(statement, check)]
    if any(statement.defines(name) for statement in ran_before):
        return program(name, written), everything, "another order"
    if ran_before or any(_ran_before(check, statement) for statement in needed):
        return needed, end, "another order"
    if any(statement.defines(name) for statement in rebound):
        return needed, end, "defined below"
    if needed != program(name, written[: checks[0] + 1]):
        return needed, end, "several checks"
    return needed, end, None


def _late(written, end):
    """Return the names that are defined from `end` on and not before, as far as that can be known."""
    if any(statement.binds_any for statement in written[:end]):
        return set()
    known = set(dir(builtins)) | _bound(statement for statement in written[:end] if not statement.is_stub)
    return _bound(statement for statement in written[end:] if not statement.is_stub) - known


def _ran_before(one, other):
    """Say whether the cell of one statement was run before that of another, as far as the notebook tells."""
    return None not in (one.count, other.count) and one.count < other.count


def standing(answer):
    """Return a sentence on how an answer of `read`'s stands to its check, or nothing if all is well."""
    sentence = STANDINGS.get(str(answer.get("standing")))
    return f" {sentence}" if sentence else ""


def _text(lines):
    """Return the text of a cell or an output, which a notebook keeps as a string or a list of lines."""
    return "".join(map(str, lines)) if isinstance(lines, list) else str(lines)


def _said_right(cells, names, sign):
    """Return the names whose check in the notebook shows, in its stored output, that they were right."""
    shown = []
    for cell in cells:
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            data = output.get("data") if isinstance(output, dict) else None
            shown.append(_text(data.get("text/html") if isinstance(data, dict) else None))
    return [name for name in names if any(sign in markup and f"· {name} ·" in markup for markup in shown)]


def statements(source):
    """Return the statements at the top of a cell or module. Raises SyntaxError if it is no Python."""
    tree, source = _parse(source.replace("\r\n", "\n").replace("\r", "\n"))
    lines = source.split("\n")
    found = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):  # a name at a time, so that one can be left out
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                name = alias.name + (f" as {alias.asname}" if alias.asname else "")
                found.append(_Statement(f"from {module} import {name}", node))
        else:
            first = [*getattr(node, "decorator_list", ()), node][0]
            sign = "@" if first is not node else ""
            found.append(_Statement(sign + _segment(lines, first, node), node))
    return found


def _segment(lines, first, last):
    """Return the source from the beginning of one node to the end of another; columns count bytes."""
    chosen = [line.encode() for line in lines[first.lineno - 1 : last.end_lineno]]
    chosen[-1] = chosen[-1][: last.end_col_offset]
    chosen[0] = chosen[0][first.col_offset :]
    return b"\n".join(chosen).decode()


def _described(error):
    if isinstance(error, SyntaxError):
        text = " ".join(str(error.text or "").split())[:80]
        return f"{error.msg}: `{text}`" if text else f"{error.msg}"
    deep = isinstance(error, RecursionError | MemoryError)
    return "it is nested too deeply" if deep else "it cannot be read as Python"


def _parse(source):
    """Return the tree and the source of a cell; where it is no Python as it stands, as IPython reads it."""
    try:
        return ast.parse(source), source
    except SyntaxError:
        first, _, rest = source.lstrip().partition("\n")
        if first.startswith("%%"):  # of another language, as a rule
            return _parse(rest if first.split()[0] in KEPT_CELL_MAGICS else "")
        from IPython.core.inputtransformer2 import TransformerManager  # few notebooks need it

        source = re.sub(r"^(\s*)%time\s+(?=\S)", r"\1", source, flags=re.MULTILINE)
        source = TransformerManager().transform_cell(source)
        return ast.parse(source), source


class _Statement:
    """A statement at the top of a cell: its source, and which names of the notebook's it has to do with.

    It binds names, changes what they hold, passes them to a call, and uses them, itself or in a function. A
    name that a function keeps to itself is none of these.
    """

    def __init__(self, source, node):
        self.source = source
        self.is_stub = _is_stub(node)
        self.is_definition = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        self.is_assignment = isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign)
        self.is_import = isinstance(node, ast.Import | ast.ImportFrom)
        self.is_of_course = source.startswith("from course_lib.arithmetic import ")
        self.is_future = source.startswith("from __future__ ")
        self.is_limit = "setrecursionlimit" in source
        self.name = node.name if self.is_definition else None
        self.must_work = self.is_definition or self.is_assignment or self.is_import
        self.binds_any = source.endswith(" import *")
        self.binds, self.uses = _names(source)
        self.imports = set()
        for part in ast.walk(node):
            if isinstance(part, ast.Import):
                self.imports.update(alias.name for alias in part.names)
            elif isinstance(part, ast.ImportFrom):
                self.imports.update(f"{part.module}.{alias.name}" for alias in part.names)
            elif isinstance(part, ast.Constant) and isinstance(part.value, str):  # of `import_module`
                self.imports.add(part.value)
        at_once = list(_outside_functions(node))
        self.uses |= {_root(part.target) for part in at_once if isinstance(part, ast.AugAssign)}
        self.uses_at_once = self.uses
        if self.is_definition:
            self.uses_at_once = {part.id for part in at_once if isinstance(part, ast.Name)}
        self.aliases = _aliases(at_once)
        # What a function changes, it changes when it is called.
        self.changes = _changed(ast.walk(node) if self.is_definition else at_once)
        self.bases = {_root(base) for base in getattr(node, "bases", ())}  # which may note who extends them
        self.calls, self.passes, self.checks = set(), set(), {}
        self.count = None  # its cell was the one of this number to be run
        if self.is_definition:
            self.calls = {_root(decorator) for decorator in getattr(node, "decorator_list", ())}
        elif not self.is_import:
            calls = [part for part in at_once if isinstance(part, ast.Call)]
            self.calls = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
            self.checks = _checked(calls)
            if isinstance(node, ast.Expr):
                self.passes = _passed(calls)

    def defines(self, name):
        """Say whether it writes out an answer of this name."""
        return name in self.binds and not self.is_import and not self.is_stub

    def needs_any(self, modules):
        """Say whether it imports one of these modules or a part of one."""
        return any(f"{name}.".startswith(f"{module}.") for name in self.imports for module in modules)


def _names(source):
    """Return the names of the notebook's that a statement binds, and those that it uses."""
    binds, uses = set(), set()
    tables = [symtable.symtable(source, "cell", "exec")]
    while tables:
        scope = tables.pop()
        tables += scope.get_children()
        at_top = scope.get_type() == "module"
        for symbol in scope.get_symbols():
            if symbol.is_referenced() and (at_top or symbol.is_global()):
                uses.add(symbol.get_name())
            is_bound = symbol.is_assigned() or symbol.is_imported()
            if is_bound and (at_top or symbol.is_declared_global()):
                binds.add(symbol.get_name())
    return binds, uses


def _changed(nodes):
    """Return the names whose content these nodes change: they set a part of it or call a method."""
    changed = set()
    for node in nodes:
        if isinstance(node, ast.AugAssign):
            changed.add(_root(node.target))  # a list grows in place
        elif isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            changed.add(_root(node))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            changed.add(_root(node.func))
    return changed


def _aliases(nodes):
    """Return the names that may hold a part of what others hold, as pairs (names, those of the others)."""
    pairs = []
    for part in nodes:
        if isinstance(part, ast.For | ast.comprehension):
            pairs.append((_all_names(part.target), _all_names(part.iter)))
        elif isinstance(part, ast.Assign) and all(isinstance(kept, KEEPING) for kept in ast.walk(part.value)):
            pairs.append((set().union(*map(_all_names, part.targets)), _all_names(part.value)))
    return pairs


def _all_names(node):
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _passed(calls):
    passed = set()
    for call in calls:
        for argument in [*call.args, *call.keywords]:
            passed.update(part.id for part in ast.walk(argument) if isinstance(part, ast.Name))
    return passed


def _checked(calls):
    """Return what the calls of `check` are given: {name of a question: its answer, a node}."""
    checked = {}
    for call in calls:
        if getattr(call.func, "id", getattr(call.func, "attr", None)) != "check":
            continue
        given = dict(zip(("question", "answer"), call.args, strict=False))
        given.update((keyword.arg, keyword.value) for keyword in call.keywords)
        question = getattr(given.get("question"), "value", None)
        if isinstance(question, str) and not isinstance(given.get("answer"), ast.Starred | None):
            checked[question] = given["answer"]
    return checked


def _outside_functions(node):
    """Yield the nodes that run when the statement does, not when a function of it is called."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += [*part.decorator_list, *part.args.defaults, *filter(None, part.args.kw_defaults)]
        elif not isinstance(part, ast.Lambda):
            waiting += ast.iter_child_nodes(part)


def _root(node):
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _is_stub(node):
    """Say whether this is a function that was never written: all it does is raise NotImplementedError."""
    if not isinstance(node, ast.FunctionDef):
        return False
    body = [
        line
        for line in node.body
        if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
    ]
    raised = body[0].exc if len(body) == 1 and isinstance(body[0], ast.Raise) else None
    name = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(name, ast.Name) and name.id == "NotImplementedError"


def program(name, statements):
    """Return the statements that `name` needs, in the order of the notebook: all others need not run."""
    usable = _usable(statements)
    assigned = _bound(statement for statement in usable if statement.is_assignment)
    known = set(dir(builtins)) | _bound(usable)
    last = {}  # definition of each name
    for index, statement in enumerate(usable):
        if statement.is_definition:
            last.update(dict.fromkeys(statement.binds, index))

    def is_replaced(bound, index):
        """Say whether a later definition of the name makes this one void: nothing needed between uses it."""
        end = last.get(bound, -1)
        return index < end and not any(
            index < other < end and bound in usable[other].uses_at_once for other in chosen
        )

    def is_needed(index, statement):
        binds = statement.binds
        if statement.is_definition or statement.is_import:
            binds = {bound for bound in binds if not is_replaced(bound, index)}
        if (binds | statement.bases) & wanted or statement.is_limit or statement.is_future:
            return True
        if statement.binds_any and wanted - known:
            return True
        if not statement.is_definition and (statement.changes | statement.passes & assigned) & shared:
            return True
        return bool(statement.calls & changers)

    wanted, chosen = {name}, set()
    while True:
        shared = _shared(wanted, usable)
        # Functions that fill or bind what is wanted: to call one changes it.
        changers = {
            statement.name
            for statement in usable
            if statement.is_definition and (statement.changes | (statement.binds - {statement.name})) & shared
        }
        more = {
            index
            for index, statement in enumerate(usable)
            if index not in chosen and is_needed(index, statement)
        }
        if not more:
            needed = [usable[index] for index in sorted(chosen)]
            return sorted(needed, key=lambda statement: not statement.is_future)
        chosen |= more
        wanted = wanted.union(*(usable[index].uses for index in more))


def _shared(wanted, statements):
    """Return the names that are wanted, and those under which a part of what they hold may be changed."""
    pairs = [pair for statement in statements for pair in statement.aliases]
    shared = set(wanted)
    while more := set().union(*(names for names, others in pairs if others & shared)) - shared:
        shared |= more
    return shared


def _usable(statements):
    """Leave out stubs of what is written elsewhere, and the course's functions that the learner wrote."""
    written = _bound(statement for statement in statements if not statement.is_stub)
    kept = [statement for statement in statements if not (statement.is_stub and statement.binds & written)]
    defined = _bound(statement for statement in kept if statement.is_definition)
    return [statement for statement in kept if not (statement.is_of_course and statement.binds & defined)]


def _bound(statements):
    return set().union(*(statement.binds for statement in statements))
