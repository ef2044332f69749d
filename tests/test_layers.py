"""The house of DESIGN: imports point one way, and the inner rooms do no I/O."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "mbuild"
ROOMS = ("errors", "oci", "spec", "registry", "store", "publish", "report", "cli")
# Beside the rooms: the version, which everyone may read, and `python -m mbuild`.
DOORS: dict[str, tuple[str, ...]] = {"__init__": (), "__main__": ("cli",)}
MODULES = sorted(PACKAGE.rglob("*.py"))
PURE_ROOMS = ("errors", "oci", "spec")
IO_LIBRARIES = {
    "aiofiles", "anyio", "asyncio", "fcntl", "glob", "http", "httpx", "io", "logging", "mmap",
    "multiprocessing", "os", "random", "selectors", "shutil", "signal", "socket", "ssl",
    "subprocess", "sys", "tarfile", "tempfile", "threading", "time", "truststore", "urllib",
    "zipfile",
}  # fmt: skip
IO_CALLS = {"input", "open", "print", "read_bytes", "read_text", "write_bytes", "write_text"}


def room_of(path: Path) -> str:
    """The room that a module stands in: the first name under mbuild/."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def name_of(path: Path) -> str:
    """The path below the project, for test ids and messages."""
    return path.relative_to(PACKAGE.parent).as_posix()


def imported_modules(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything that a module imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute_base(path, node)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def absolute_base(path: Path, node: ast.ImportFrom) -> str:
    """The module that a `from … import` names, with leading dots resolved."""
    if not node.level:
        return node.module or ""
    package = path.relative_to(PACKAGE.parent).parts[: -node.level]
    return ".".join((*package, *filter(None, [node.module])))


def rooms_imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and room of each import that stays inside mbuild."""
    for line, module in imported_modules(path):
        parts = module.split(".")
        if parts[0] == PACKAGE.name and parts[1:2] != ["__version__"]:
            yield line, parts[1]


def test_every_module_stands_in_a_room() -> None:
    """Nothing is added to the house beside the rooms that its drawing names."""
    strangers = [name_of(path) for path in MODULES if room_of(path) not in (*ROOMS, *DOORS)]
    assert strangers == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    """A room imports itself and rooms to its left, never one to its right."""
    room = room_of(path)
    allowed = DOORS[room] if room in DOORS else ROOMS[: ROOMS.index(room) + 1]
    wrong = [
        f"{name_of(path)}:{line}: {room} imports {other}"
        for line, other in rooms_imported(path)
        if other not in allowed
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "path", [path for path in MODULES if room_of(path) in PURE_ROOMS], ids=name_of
)
def test_pure_rooms_import_nothing_that_does_io(path: Path) -> None:
    """Values and spec parsing turn input into values: no network, files, clock or event loop."""
    wrong = [
        f"{name_of(path)}:{line}: {module}"
        for line, module in imported_modules(path)
        if module.split(".")[0] in IO_LIBRARIES
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "path", [path for path in MODULES if room_of(path) in PURE_ROOMS], ids=name_of
)
def test_pure_rooms_open_no_file(path: Path) -> None:
    """Neither do they read, write or print by a builtin or a Path method."""
    calls = (
        node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)
    )
    wrong = [
        f"{name_of(path)}:{call.lineno}: {called_name(call)}()"
        for call in calls
        if called_name(call) in IO_CALLS
    ]
    assert wrong == []


def called_name(call: ast.Call) -> str:
    """The last word of what is called: `read_text` in `path.read_text()`."""
    target = call.func
    return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")


@pytest.mark.parametrize(
    "path", [path for path in MODULES if room_of(path) not in ("cli", "__main__")], ids=name_of
)
def test_only_the_command_line_prints(path: Path) -> None:
    """Library code returns and raises; print, sys.stdout and sys.exit belong to cli/."""
    source = ast.parse(path.read_text("utf-8"))
    prints = [
        f"{name_of(path)}:{node.lineno}: print()"
        for node in ast.walk(source)
        if isinstance(node, ast.Call) and called_name(node) == "print"
    ]
    streams = [
        f"{name_of(path)}:{node.lineno}: sys.{node.attr}"
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in {("sys", "stdout"), ("sys", "stderr"), ("sys", "exit")}
    ]
    assert prints + streams == []


DECIDING = [path for path in MODULES if path.parent == PACKAGE / "publish" / "decide"]


@pytest.mark.parametrize("path", DECIDING, ids=name_of)
def test_deciding_asks_nobody(path: Path) -> None:
    """What decides has all it needs: it waits for nothing, so it can ask no store."""
    waits = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    assert [node.lineno for node in nodes if isinstance(node, waits)] == []
