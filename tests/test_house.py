"""The house: what each part of the library may stand on, read from its imports."""

import ast
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1] / "course_lib"

# Each part imports from its own floor or from those before it.
FLOORS = (
    {"arithmetic", "backend", "checks", "graph"},
    {"costs", "data", "datasets", "layers", "ledger"},
    {"architectures"},
    {"canaries", "evaluation", "figures", "recipes", "training"},
    {"grading", "notebooks"},
    {"facts", "lesson"},
)
# The graders of a class and a browser have no Keras; `notebooks` writes badges without it.
GRADING_STANDS_ON = {"arithmetic", "checks", "graph", "grading", "ledger", "notebooks"}


def module_names(root):
    """Return a dict from the names of a package's modules to their files."""
    names = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        names[".".join(part for part in parts if part != "__init__")] = path
    return names


def imported_by(path, modules):
    """Yield the names that a file imports, but for those that only its `main` needs.

    `from package import name` imports the module of that name if there is one, and otherwise the package.
    """
    waiting = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports by dots"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in modules else node.module
        elif not (isinstance(node, ast.FunctionDef) and node.name == "main"):
            waiting.extend(ast.iter_child_nodes(node))


def edges(root):
    """Return a dict from each module to the modules of the same package that it imports."""
    modules = module_names(root)
    return {
        name: {other for other in imported_by(path, modules) if other in modules}
        for name, path in modules.items()
    }


def room(module):
    """Return the part of the library in which a module stands: "layers" for course_lib.layers.map_loss."""
    return module.split(".")[1]


def upward_imports(graph, floors):
    """Return the imports `(module, other)` from a floor above."""
    floor = {name: number for number, names in enumerate(floors) for name in names}
    return [
        (module, other)
        for module, others in graph.items()
        for other in sorted(others)
        if "." in module and floor[room(other)] > floor[room(module)]
    ]


def imports_of_own_face(graph):
    """Return the modules that import a package in which they stand; its command line, `__main__`, may."""
    return [
        module
        for module, others in graph.items()
        if any(module.startswith(f"{other}.") for other in others) and not module.endswith(".__main__")
    ]


def circles(graph):
    """Return the modules that import themselves by way of others."""
    reached = {module: set(others) for module, others in graph.items()}
    for middle in graph:
        for module in graph:
            if middle in reached[module]:
                reached[module] |= reached[middle]
    return sorted(module for module in graph if module in reached[module])


@pytest.mark.parametrize("name", ["arithmetic", "checks", "graph"])
def test_the_ground_floor_imports_the_standard_library_alone(name):
    imports = set(imported_by(LIBRARY / f"{name}.py", {}))
    assert {module.partition(".")[0] for module in imports} <= sys.stdlib_module_names


def test_importing_the_library_imports_nothing():
    assert edges(LIBRARY)["course_lib"] == set()
    assert list(imported_by(LIBRARY / "__init__.py", {})) == []


def test_every_part_of_the_library_has_a_floor():
    rooms = {room(module) for module in module_names(LIBRARY) if "." in module}
    assert rooms <= set().union(*FLOORS)


def test_nothing_imports_from_a_floor_above():
    assert upward_imports(edges(LIBRARY), FLOORS) == []


def test_grading_stands_on_what_loads_without_keras():
    graph = edges(LIBRARY)
    below = {room(other) for module in graph if ".grading" in module for other in graph[module]}
    assert below <= GRADING_STANDS_ON


def test_no_room_imports_the_face_of_its_package():
    assert imports_of_own_face(edges(LIBRARY)) == []


def test_no_module_imports_itself_by_way_of_others():
    assert circles(edges(LIBRARY)) == []


def test_no_file_but_a_catalogue_of_slips_is_longer_than_500_lines():
    lengths = {
        str(path.relative_to(LIBRARY)): path.read_text().count("\n")
        for path in LIBRARY.rglob("*")
        if path.suffix in (".py", ".html", ".j2", ".css", ".js") and path.parent.name != "questions"
    }
    assert {name: lines for name, lines in lengths.items() if lines > 500} == {}


def test_the_rules_notice_a_house_that_breaks_them(tmp_path):
    root = tmp_path / "course_lib"
    sources = {
        "__init__.py": "",
        "arithmetic.py": "def f():\n    from course_lib.upper import door",
        "ledger.py": "def main():\n    import course_lib.upper.door",
        "upper/__init__.py": "from course_lib.upper import door",
        "upper/door.py": "from course_lib.upper import LOCK\nimport course_lib.ledger",
        "upper/window.py": "from course_lib import arithmetic\nfrom course_lib.upper import door",
    }
    for name, source in sources.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    graph = edges(root)
    assert graph["course_lib.ledger"] == set()
    assert graph["course_lib.upper.window"] == {"course_lib.arithmetic", "course_lib.upper.door"}
    floors = ({"arithmetic"}, {"ledger"}, {"upper"})
    assert upward_imports(graph, floors) == [("course_lib.arithmetic", "course_lib.upper.door")]
    assert imports_of_own_face(graph) == ["course_lib.upper.door"]
    assert circles(graph) == ["course_lib.upper", "course_lib.upper.door"]
