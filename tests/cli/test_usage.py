"""A command line that cannot be parsed: one line, exit code 2, and a document where one is wanted."""

import json
from pathlib import Path

import pytest

from mbuild.cli.app import command_path, wants_json
from tests.support.cli import run_mbuild

WRONG = [
    ("push --unknown", "No such option: --unknown", "mbuild push"),
    ("push --tag", "Option '--tag' requires an argument", "mbuild push"),
    ("create", "Missing argument 'TARGET'", "mbuild create"),
    ("create oci:a", "Missing argument 'SOURCE'", "mbuild create"),
    ("inspect a b", "Got unexpected extra argument(s) (b)", "mbuild inspect"),
    ("bogus", "No such command 'bogus'", "mbuild"),
    ("--unknown", "No such option: --unknown", "mbuild"),
    (
        "plan --jobs 0",
        (
            "Invalid value for '--jobs' (env var: 'MBUILD_JOBS'): "
            "Input should be greater than or equal to 1"
        ),
        "mbuild plan",
    ),
    (
        "plan -o yaml",
        (
            "Invalid value for '--output' / '-o' (env var: 'MBUILD_OUTPUT'): "
            "Value error, 'yaml' is not one of 'text', 'json'"
        ),
        "mbuild plan",
    ),
]
TABLE = pytest.mark.parametrize(
    ("words", "message", "path"), WRONG, ids=[words for words, _, _ in WRONG]
)


@TABLE
def test_line(tmp_path: Path, words: str, message: str, path: str) -> None:
    """What is wrong is one line, with the command whose help says more."""
    done = run_mbuild(*words.split(), cwd=tmp_path)
    assert done.lines == [f"error: {message}; see {path} --help"]
    assert (done.code, done.stdout) == (2, "")


@TABLE
def test_document(tmp_path: Path, words: str, message: str, path: str) -> None:
    """Where JSON is asked for, it is a document on stdout too."""
    done = run_mbuild(*words.split(), cwd=tmp_path, env={"MBUILD_OUTPUT": "json"})
    hint = f"see {path} --help"
    assert (done.code, done.lines) == (2, [f"error: {message}; {hint}"])
    document = json.loads(done.stdout)
    assert (document["version"], document["ok"], document["targets"]) == (1, False, [])
    assert document["errors"] == [{"code": "usage", "message": message, "where": "", "hint": hint}]


@pytest.mark.parametrize(
    ("words", "variable", "expected"),
    [
        ("push --unknown", "", False),
        ("push --unknown", "json", True),
        ("push --unknown -o json", "", True),
        ("push -ojson --unknown", "", True),
        ("push --output json --unknown", "", True),
        ("push --unknown --output=json", "text", True),
        ("push -o text --unknown", "json", False),
        ("push -o json -o text --unknown", "", False),
        ("push -qo json --unknown", "", True),
        ("push -vvojson --unknown", "", True),
        ("lock --to json --unknown", "", False),
    ],
)
def test_wants_json(words: str, variable: str, expected: bool) -> None:
    """The option counts before the variable, and the last of two options."""
    environment = {"MBUILD_OUTPUT": variable} if variable else {}
    assert wants_json(["mbuild", *words.split()], environment) is expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "mbuild"),
        (["push"], "mbuild push"),
        (["--version", "push"], "mbuild"),
        (["bogus"], "mbuild"),
    ],
    ids=["none", "command", "option first", "unknown"],
)
def test_command_path(words: list[str], expected: str) -> None:
    """The help to see is that of the command, where there is one."""
    assert command_path(["/usr/bin/mbuild", *words]) == expected


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (
            "inspect https://me:secret@a.test/app",
            2,
            "'https://***@a.test/app' is not a reference: write it without https://",
        ),
        (
            "push https://me:secret@a.test/spec.yaml",
            3,
            "https://***@a.test/spec.yaml: no such file; check the path",
        ),
    ],
    ids=["reference", "file"],
)
def test_password(tmp_path: Path, words: str, code: int, line: str) -> None:
    """A password that somebody put into a URL is told nowhere."""
    done = run_mbuild(*words.split(), "-o", "json", cwd=tmp_path)
    assert (done.code, done.lines) == (code, [f"error: {line}"])
    assert "secret" not in done.stdout


def test_name_with_a_line_break(tmp_path: Path) -> None:
    """A file's name that has a line break is told on one line."""
    (tmp_path / "a\nb").write_text("")
    assert run_mbuild("check", "c\nd", cwd=tmp_path).lines == [
        "error: c d: no such file; check the path"
    ]
    (line,) = run_mbuild("check", "a\nb", cwd=tmp_path).lines
    assert line.startswith("error: a b:")
