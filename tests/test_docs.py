"""The documents are held to the program: commands, options, codes, links, and what README shows."""

import ast
import importlib
import json
import pkgutil
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import typer.main

import mbuild
from mbuild.cli.app import app
from mbuild.errors import WORST_FIRST, MbuildError
from mbuild.publish.audit.findings import Kind, Reason
from mbuild.publish.outcome import Change, TagAction
from tests.support.cli import run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.foreign import skopeo_copy_from_layout
from tests.support.pushing import delete_blob
from tests.support.specs import SPEC

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
COMMANDS = ROOT / "docs" / "commands.md"
JSON_OUTPUT = ROOT / "docs" / "json-output.md"
EXIT_CODES = ROOT / "docs" / "exit-codes.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE_WORD = re.compile(r"[a-z]+(?:-[a-z]+)+")

EXAMPLES = {
    "amd64": "linux-amd64",
    "arm64": "linux-arm64",
    "armv7": "linux-arm-v7",
    "ltsc2022": "windows-ltsc2022",
    "ltsc2025": "windows-ltsc2025",
}
SHOWN = "localhost:5000/team/app"
OF_THE_LIBRARY = {"--help", "-h", "--install-completion", "--show-completion"}


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its spellings, its variable, and its default where it has one."""

    names: frozenset[str]
    variable: str
    default: str


def name_of(path: Path) -> str:
    """The path below the project, for test ids and messages."""
    return path.relative_to(ROOT).as_posix()


@cache
def without_code(path: Path) -> str:
    """A document's text without its fenced blocks."""
    return FENCE.sub("", path.read_text("utf-8"))


def anchor(heading: str) -> str:
    """The name under which a heading can be linked to."""
    plain = re.sub(r"[^\w\- ]", "", heading.lower())
    return plain.strip().replace(" ", "-")


def sections(path: Path) -> dict[str, str]:
    """A document's sections by the anchor of their heading, subsections left out."""
    parts = re.split(r"^#+ (.+)$", without_code(path), flags=re.MULTILINE)[1:]
    return {anchor(head): body for head, body in zip(parts[::2], parts[1::2], strict=True)}


# --- The program, as typer sees it ---


def command_tree() -> Any:
    """The command group that typer makes of the app."""
    return typer.main.get_command(app)


COMMAND_NAMES = sorted(command_tree().commands)


def options_of(command: Any) -> set[Option]:
    """What a command takes, without what the library adds to every command."""
    found = set()
    for parameter in command.params:
        names = frozenset((*parameter.opts, *parameter.secondary_opts))
        if parameter.param_type_name != "option" or names & OF_THE_LIBRARY:
            continue
        default = parameter.default
        is_plain = default is None or default is False or default == ""
        found.add(Option(names, parameter.envvar or "", "" if is_plain else str(default)))
    return found


# --- The program, as docs/commands.md has it ---


def table_rows(text: str) -> Iterator[list[str]]:
    """The rows of all tables of a text, cell by cell; an escaped | is none between cells."""
    for line in text.splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def option_rows(text: str) -> Iterator[Option]:
    """The options in the tables of a section."""
    for row in table_rows(text):
        if row[0].startswith("`-"):
            names = frozenset(word.split(" ")[0] for word in re.findall(r"`([^`]+)`", row[0]))
            is_plain = row[2] in {"", "off", "none"} or "`" in row[2]
            yield Option(names, row[1].strip("`"), "" if is_plain else row[2])


def documented_options(name: str) -> set[Option]:
    """What the section of a command says, and the sections it refers to with `Also:`."""
    parts = sections(COMMANDS)
    text = parts[f"mbuild-{name}"]
    also = [line for line in text.splitlines() if line.startswith("Also:")]
    linked = [link.removeprefix("#") for line in also for link in LINK.findall(line)]
    return {
        option for part in (text, *map(parts.__getitem__, linked)) for option in option_rows(part)
    }


@pytest.mark.parametrize("name", COMMAND_NAMES)
def test_every_option_is_documented_and_no_other(name: str) -> None:
    """The tables of a command hold its options, their variables and defaults, and nothing else."""
    assert documented_options(name) == options_of(command_tree().commands[name])


def test_every_command_is_documented_and_no_other() -> None:
    """Each command has its section, and each section its command."""
    documented = {head for head in sections(COMMANDS) if head.startswith("mbuild-")}
    assert documented == {f"mbuild-{name}" for name in COMMAND_NAMES}


def test_the_options_before_a_command_are_documented() -> None:
    """The first section holds what stands before a command."""
    rows = {name for option in option_rows(sections(COMMANDS)["mbuild"]) for name in option.names}
    own = {name for option in options_of(command_tree()) for name in option.names}
    assert rows == own | OF_THE_LIBRARY


def test_variables_follow_the_options() -> None:
    """`--some-option` is MBUILD_SOME_OPTION, in every command."""
    for name in COMMAND_NAMES:
        for option in options_of(command_tree().commands[name]):
            long = [word for word in option.names if word.startswith("--")]
            on, *off = sorted(long, key=len)
            assert off in ([], [f"--no-{on[2:]}"])
            assert option.variable == f"MBUILD_{on[2:].upper().replace('-', '_')}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_no_document_names_an_option_that_is_not_there(path: Path) -> None:
    """An `mbuild` command line in a document uses options that the command has."""
    text = path.read_text("utf-8")
    lines = [
        line.removeprefix("$ ") for _, body in FENCE.findall(text) for line in body.splitlines()
    ]
    lines += re.findall(r"`(mbuild [^`]+)`", text)
    wrong = []
    for line in lines:
        for found in re.finditer(r"\bmbuild (\w+)((?: [^|;>)]*)?)", line):
            if found[1] in COMMAND_NAMES:
                known = {
                    word
                    for it in options_of(command_tree().commands[found[1]])
                    for word in it.names
                }
                words = [word.split("=")[0] for word in found[2].split() if word.startswith("--")]
                wrong += [f"{found[0]}: {word}" for word in words if word not in known | {"--help"}]
    assert wrong == []


# --- Exit codes and error codes ---


def error_classes() -> Iterator[type[MbuildError]]:
    """Every class of the exception tree, whichever module it is in."""
    for module in pkgutil.walk_packages(mbuild.__path__, "mbuild."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    waiting = [MbuildError]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += one.__subclasses__()


def table_cells(text: str, column: int) -> set[str]:
    """The words in one column of all tables of a text, without their backticks."""
    cells = (row[column].replace("`", "") for row in table_rows(text))
    return {word for cell in cells for word in cell.split(", ")}


def test_every_exit_code_is_documented_and_no_other() -> None:
    """The table has 0, the code of `plan --check`, and those of the exception tree."""
    documented = {
        int(cell) for cell in table_cells(sections(EXIT_CODES)["exit-codes"], 0) if cell.isdigit()
    }
    assert documented == {0, 7, *WORST_FIRST}
    assert documented == {0, 7, *(one.exit_code for one in error_classes())}


def test_readme_has_the_same_exit_codes() -> None:
    """README's table is the short form of docs/exit-codes.md."""
    short = table_cells(sections(README)["exit-codes"], 0)
    assert {cell for cell in short if cell.isdigit()} == {
        cell for cell in table_cells(sections(EXIT_CODES)["exit-codes"], 0) if cell.isdigit()
    }


def test_every_error_code_is_documented_with_its_exit_code() -> None:
    """Each class of the tree has a row with its exit code and its word; a spec's are listed below."""
    rows = re.findall(r"^\| (\d+) \| `([a-z-]+)` \|", without_code(EXIT_CODES), re.MULTILINE)
    classes = {(str(one.exit_code), one.code) for one in error_classes() if one.exit_code != 3}
    assert set(rows) == classes


def spec_codes() -> Iterator[str]:
    """The words of the spec's problems: every hyphenated text that its modules hold."""
    for path in [*(ROOT / "mbuild" / "spec").glob("*.py"), ROOT / "mbuild" / "cli" / "inputs.py"]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and CODE_WORD.fullmatch(text):
                yield text


def test_every_problem_of_a_spec_has_a_documented_code() -> None:
    """What the parser can say is listed, and nothing that it cannot say."""
    text = without_code(EXIT_CODES).partition("Problems of the spec:")[2]
    documented = {word for word in table_cells(text, 0) if CODE_WORD.fullmatch(word)}
    assert documented - {"spec-invalid"} == set(spec_codes())


# --- JSON ---


@pytest.mark.parametrize("words", [get_args(TagAction), get_args(Change)], ids=["tag", "platform"])
def test_every_word_of_a_report_is_explained(words: tuple[str, ...]) -> None:
    """What can become of a tag or a platform has its row."""
    assert set(words) <= table_cells(sections(JSON_OUTPUT)["a-target"], 0)


@pytest.mark.parametrize("words", [get_args(Kind), get_args(Reason)], ids=["kind", "reason"])
def test_every_word_of_verify_is_explained(words: tuple[str, ...]) -> None:
    """So has what verify says of a part that is missing or wrong."""
    assert set(words) <= set(re.findall(r"`([^`]+)`", sections(JSON_OUTPUT)["verify"]))


def keys_of(value: object) -> set[str]:
    """Every key of a document, at any depth."""
    if isinstance(value, list):
        return {key for item in value for key in keys_of(item)}
    if not isinstance(value, dict):
        return set()
    return set(value) | {key for item in value.values() for key in keys_of(item)}


def test_the_document_has_the_keys_that_are_shown(place: str, tmp_path: Path) -> None:
    """The example of a push has every key that a push gives, and no other."""
    (tmp_path / SPEC).write_text(blocks(README, "yaml")[0].replace(SHOWN, place))
    given = json.loads(run_mbuild("push", "--output", "json", cwd=tmp_path).stdout)
    shown = json.loads(blocks(JSON_OUTPUT, "json")[0])
    assert keys_of(shown) == keys_of(given)


def test_an_error_has_the_keys_that_are_shown(place: str, tmp_path: Path) -> None:
    """So has the example of an error."""
    words = ("create", f"{place}:x", f"{place}:absent", "--output", "json")
    (target,) = json.loads(run_mbuild(*words, cwd=tmp_path).stdout)["targets"]
    assert keys_of(target["errors"]) == keys_of(json.loads(blocks(JSON_OUTPUT, "json")[1]))


def test_verify_gives_what_is_shown(place: str, tmp_path: Path) -> None:
    """The example of verify is the document that it gives, but for time."""
    spec = blocks(README, "yaml")[0].replace(SHOWN, place)
    changed = spec.replace("linux/arm/v7", "windows/amd64").replace("armv7", "ltsc2022")
    (tmp_path / SPEC).write_text(changed)
    run_mbuild("push", cwd=tmp_path)
    (example,) = [text for text in blocks(JSON_OUTPUT, "json") if '"references"' in text]
    shown = json.loads(example)
    delete_blob(place, shown["references"][0]["missing"][0]["digest"])
    words = ("verify", f"{place}:1.4.2", "-o", "json", "--plain-http", place.partition("/")[0])
    given = json.loads(
        run_mbuild(*words, cwd=tmp_path)
        .stdout.replace(place, SHOWN)
        .replace(place.partition("/")[0], SHOWN.partition("/")[0])
    )
    assert {**given, "seconds": 0} == {**shown, "seconds": 0}


# --- Links ---


def is_found(path: Path, link: str) -> bool:
    """Whether a relative link in a document leads somewhere."""
    name, _, heading = link.partition("#")
    target = (path.parent / name).resolve() if name else path
    if not heading:
        return target.exists()
    return target.exists() and heading in map(anchor, HEADING.findall(without_code(target)))


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_relative_links_resolve(path: Path) -> None:
    """A link to another document of the project finds the file, and the heading in it."""
    links = [link for link in LINK.findall(without_code(path)) if not re.match(r"[a-z]+:", link)]
    broken = [link for link in links if not is_found(path, link)]
    assert broken == []


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=name_of)
def test_every_page_stands_in_the_index(path: Path) -> None:
    """docs/README.md leads to every page beside it."""
    index = ROOT / "docs" / "README.md"
    assert path == index or path.name in LINK.findall(index.read_text("utf-8"))


# --- What README shows ---


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of a document in one language."""
    return [body for word, body in FENCE.findall(path.read_text("utf-8")) if word == language]


def shown_runs(path: Path) -> Iterator[tuple[list[str], str]]:
    """The `mbuild` commands of a document that are shown with what they print."""
    for block in blocks(path, "console"):
        line, _, output = block.replace("\\\n", " ").partition("\n")
        words = shlex.split(line.removeprefix("$ "))
        if words[0] == "mbuild" and SHOWN in output:
            yield words[1:], output


@pytest.fixture
def place(registry: DockerRegistry, repository: str) -> str:
    """A repository with the example's builds in it, in place of the one in the documents."""
    for tag, folder in EXAMPLES.items():
        layout = ROOT / "examples" / folder
        skopeo_copy_from_layout(layout, "1.0", registry, f"{repository}:1.4.2-{tag}")
    return f"{registry.host}/{repository}"


def check_runs(runs: list[tuple[list[str], str]], place: str, folder: Path) -> None:
    """Run each command and compare, in the order they are shown."""
    assert runs
    for words, output in runs:
        result = run_mbuild(*(word.replace(SHOWN, place) for word in words), cwd=folder)
        printed = result.stdout + result.stderr
        assert (result.code, printed.replace(place, SHOWN)) == (0, output)


def test_readme_shows_what_the_program_prints(place: str, tmp_path: Path) -> None:
    """README's spec is published by README's commands, and every line is as shown."""
    spec = blocks(README, "yaml")[0]
    (tmp_path / SPEC).write_text(spec.replace(SHOWN, place))
    check_runs(list(shown_runs(README)), place, tmp_path)


def test_commands_page_shows_what_the_program_prints(place: str, tmp_path: Path) -> None:
    """So do the examples of docs/commands.md, the push after that of README."""
    spec = blocks(README, "yaml")[0].replace(SHOWN, place)
    (tmp_path / SPEC).write_text(spec)
    run_mbuild("push", cwd=tmp_path)
    changed = spec.replace("linux/arm/v7", "windows/amd64").replace("armv7", "ltsc2022")
    (tmp_path / SPEC).write_text(changed)
    runs = [run for run in shown_runs(COMMANDS) if run[0][0] != "check"]
    check_runs(runs, place, tmp_path)
