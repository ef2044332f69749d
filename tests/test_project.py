"""What holds for the project as a whole: its files, its sizes, its targets, its version."""

import ast
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import mbuild

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "mbuild").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
SCRIPTS = [path for path in sorted((ROOT / "scripts").iterdir()) if not path.suffix]
TARGETS = (
    "install", "demo", "test", "check", "fmt", "bench", "bench-catalogue", "soak", "dist", "lock",
    "clean", "help",
)  # fmt: skip
LONGEST_MODULE = 320
LONGEST_FUNCTION = 50

# Written so that this file does not match itself.
MACHINE_PATH = re.compile(r"(?<![\w.~$}>*-])/(?:[w]ork|[r]oot|[h]ome|[U]sers|[o]pt)/\w")
INDEX_HOST = re.compile(r"[p]ypi\.org|[p]ythonhosted|(?<!no-emit-)(?:[i]ndex-url|[f]ind-links)")


def name_of(path: Path) -> str:
    """The path below the project, for test ids and messages."""
    return path.relative_to(ROOT).as_posix()


@cache
def project_texts() -> dict[str, str]:
    """Every text file that git has or would add, by name."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "-c", "-o", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    contents = {name_of(path): path.read_bytes() for path in paths if path.is_file()}
    return {name: raw.decode() for name, raw in contents.items() if b"\0" not in raw}


def lines_matching(pattern: re.Pattern[str]) -> list[str]:
    """Where a pattern occurs in the project, as `file:line: text`."""
    return [
        f"{name}:{number}: {line.strip()}"
        for name, text in project_texts().items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module, nested ones too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def locked_versions() -> dict[str, str]:
    """The versions that requirements/dev.txt pins, by canonical name."""
    text = (ROOT / "requirements" / "dev.txt").read_text("utf-8")
    pins = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


def declared_requirements() -> list[str]:
    """What pyproject.toml asks for: at run time, in development, and to build."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    run_time, build_time = project["project"]["dependencies"], project["build-system"]["requires"]
    return [*run_time, *project["dependency-groups"]["dev"], *build_time]


def test_no_path_of_a_machine_stands_in_the_project() -> None:
    """No file of the project names a folder that only one machine has."""
    assert lines_matching(MACHINE_PATH) == []


def test_no_package_index_is_named() -> None:
    """The project installs from whichever package index a machine is set to."""
    assert lines_matching(INDEX_HOST) == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_short(path: Path) -> None:
    """A module that grows past the limit is two modules."""
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_functions_are_short(path: Path) -> None:
    """No function is longer than a screen, its docstring included."""
    lengths = {
        f"{node.name}:{node.lineno}": (node.end_lineno or 0) - node.lineno + 1
        for node in functions_of(path)
    }
    assert {name: size for name, size in lengths.items() if size > LONGEST_FUNCTION} == {}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_say_what_they_are_for(path: Path) -> None:
    """Every module opens with its responsibility."""
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_tests_say_what_they_hold(path: Path) -> None:
    """Every test has a sentence as its docstring."""
    silent = [
        f"{node.name}:{node.lineno}"
        for node in functions_of(path)
        if node.name.startswith("test_") and not (ast.get_docstring(node) or "").endswith(".")
    ]
    assert silent == []


@pytest.mark.parametrize("target", TARGETS)
def test_make_has_the_target(target: str) -> None:
    """`make -n TARGET` knows each target that the documents name."""
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    done = subprocess.run(
        ["make", "-n", target],
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_scripts_run_and_parse(path: Path) -> None:
    """Every script without a suffix can be executed, and a shell script parses."""
    first_line = path.read_text("utf-8").splitlines()[0]
    assert os.access(path, os.X_OK)
    assert first_line.startswith("#!")
    if first_line.endswith("sh"):
        shell = first_line.removeprefix("#!")
        assert subprocess.run([shell, "-n", path], check=False).returncode == 0


def test_the_version_stands_in_one_place() -> None:
    """The number is in mbuild/__init__.py; the installed metadata repeats it, nothing else does."""
    number = mbuild.__version__
    homes = [
        name
        for name, text in project_texts().items()
        if name.startswith(("mbuild/", "scripts/", "pyproject", "Makefile")) and number in text
    ]
    assert homes == ["mbuild/__init__.py"]
    assert metadata.version("mbuild-oci") == number


@pytest.mark.parametrize("declared", declared_requirements())
def test_the_lock_answers_every_requirement(declared: str) -> None:
    """What pyproject.toml asks for is pinned in requirements/dev.txt, at a version that fits."""
    requirement = Requirement(declared)
    assert locked_versions()[canonicalize_name(requirement.name)] in requirement.specifier


def test_every_pin_has_hashes() -> None:
    """An install from the lock takes no file but those that were locked."""
    text = (ROOT / "requirements" / "dev.txt").read_text("utf-8")
    blocks = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(locked_versions())
    assert [block for block in blocks if "--hash=sha256:" not in block] == []
