"""Print how large the code is and how it hangs together; `--against REV` prints an older state too.

    python scripts/structure.py
    python scripts/structure.py --room export        # one room, with its single-use helpers by name
    python scripts/structure.py --against 79a4a76

A single-use helper is a private function that is named once in its own file beside its definition.
A room is what stands directly below the package: a folder, or a module that belongs to no folder.
Imports inside functions and for type checking count like any other.
"""

from __future__ import annotations

import argparse
import ast
import io
import subprocess
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
PACKAGE = "genrecls"


@dataclass(frozen=True)
class Module:
    """One file of the package.

    Attributes:
        name: dotted, without the package.
        lines: of the file, all of them.
        functions: lines of each function and method.
        single_use: private functions that are named once.
        imports: modules of the package that it imports.
    """

    name: str
    lines: int
    functions: Sequence[int]
    single_use: Sequence[str]
    imports: frozenset[str]

    @property
    def room(self) -> str:
        """The folder, or the module itself where it belongs to none."""
        return self.name.partition(".")[0]


def read_modules(source: Path) -> dict[str, Module]:
    """Return every module below `source/genrecls`, by name."""
    folder = source / PACKAGE
    names = {
        ".".join(path.relative_to(folder).with_suffix("").parts)
        .removesuffix("__init__")
        .strip("."): path
        for path in sorted(folder.rglob("*.py"))
    }
    return {name: _module(name, path, names) for name, path in names.items() if name}


def _module(name: str, path: Path, known: Mapping[str, Path]) -> Module:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    named = Counter(
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    )
    private = [f.name for f in functions if f.name.startswith("_") and not f.name.endswith("__")]
    imports = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            inside = (node.module or "").removeprefix(PACKAGE).strip(".")
            for alias in node.names:
                whole = f"{inside}.{alias.name}".strip(".")
                imports.add(whole if whole in known else inside)
    return Module(
        name=name,
        lines=text.count("\n"),
        functions=[(f.end_lineno or f.lineno) - f.lineno + 1 for f in functions],
        single_use=[helper for helper in private if named[helper] == 1],
        imports=frozenset(imports - {name, ""}),
    )


def circles(arrows: Mapping[str, frozenset[str] | set[str]]) -> list[list[str]]:
    """Return the groups of names that lead back to themselves (Tarjan's algorithm)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(arrows.get(name, ())):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in sorted(arrows):
        if name not in index:
            visit(name)
    return found


def measures(modules: Mapping[str, Module]) -> Iterator[tuple[str, str]]:
    """Yield each measure with its value."""
    functions = [lines for module in modules.values() for lines in module.functions]
    single = sum(len(module.single_use) for module in modules.values())
    importers = Counter(name for module in modules.values() for name in module.imports)
    once = sum(importers[name] == 1 for name in modules)
    arrows = {
        (m.room, modules[n].room) for m in modules.values() for n in m.imports if n in modules
    }
    rooms: dict[str, set[str]] = {module.room: set() for module in modules.values()}
    for here, there in arrows:
        if here != there:
            rooms[here].add(there)
    yield "files", str(len(modules))
    yield "lines", str(sum(module.lines for module in modules.values()))
    yield "rooms", str(len(rooms))
    yield "arrows between rooms", str(sum(map(len, rooms.values())))
    yield "functions", f"{len(functions)} of median {median(functions or [0]):.0f} lines"
    yield "single-use helpers", f"{single} ({single / max(len(functions), 1):.0%} of the functions)"
    yield "modules with one importer", str(once)
    between = circles({name: module.imports for name, module in modules.items()})
    yield "circles between modules", str(len(between))
    yield "circles between rooms", str(len(circles(rooms)))


def _at(revision: str) -> dict[str, Module]:
    """Return the modules as they were at a revision of the repository."""
    command = ["git", "-C", str(ROOT), "archive", revision, "src"]
    done = subprocess.run(command, capture_output=True, check=True)
    with TemporaryDirectory() as folder, tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
        return read_modules(Path(folder, "src"))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--room", help="measure one room alone")
    parser.add_argument("--against", metavar="REV", help="print the state of a revision beside it")
    options = parser.parse_args()
    columns = {"now": read_modules(ROOT / "src")}
    if options.against:
        columns = {options.against: _at(options.against), **columns}
    if options.room:
        columns = {
            title: {name: m for name, m in modules.items() if m.room == options.room}
            for title, modules in columns.items()
        }
    tables = {title: dict(measures(modules)) for title, modules in columns.items()}
    print(f"{'':28}" + "".join(f"{title:>34}" for title in tables))
    for name in next(iter(tables.values())):
        print(f"{name:28}" + "".join(f"{table[name]:>34}" for table in tables.values()))
    for module in columns["now"].values():
        if options.room and module.single_use:
            print(f"{module.name}: {', '.join(module.single_use)}")


if __name__ == "__main__":
    main()
