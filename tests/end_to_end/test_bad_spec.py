"""What is wrong with a spec is told before anything is asked of a registry: code 3, all at once."""

import json
from pathlib import Path

import pytest

from tests.support.cli import run_mbuild
from tests.support.specs import SPEC

SHORT = "sha256:" + "a" * 63
TARGET = "image: registry.test/team/app:1.0\n"
SOURCE = "registry.test/team/app:build"

TAG_RULE = (
    "it may hold letters, digits, '_', '.' and '-', not start with '.' or '-', "
    "and be 128 characters long at most"
)

SPECS: dict[str, tuple[str, list[str]]] = {
    "unknown key": (
        f"{TARGET}platform: linux/amd64\nplatforms:\n  linux/amd64: {SOURCE}\n",
        ["2:1: unknown key 'platform'; did you mean 'platforms'?"],
    ),
    "unknown platform": (
        f"{TARGET}platforms:\n  linux/amd46: {SOURCE}\n",
        ["3:3: unknown architecture 'amd46' in 'linux/amd46'; did you mean 'linux/amd64'?"],
    ),
    "unknown system": (
        f"{TARGET}platforms:\n  linus/amd64: {SOURCE}\n",
        ["3:3: unknown operating system 'linus' in 'linus/amd64'; did you mean 'linux/amd64'?"],
    ),
    "platform twice": (
        f"{TARGET}platforms:\n  linux/amd64: {SOURCE}\n  linux/amd64: {SOURCE}2\n",
        [f"4:3: key 'linux/amd64' stands twice in one mapping, first at {SPEC}:3:3; take one out"],
    ),
    "platform under two names": (
        f"{TARGET}platforms:\n  linux/amd64: {SOURCE}\n  linux/x86_64: {SOURCE}2\n",
        [f"4:3: platform 'linux/amd64' is given twice, first at {SPEC}:3:3; take one out"],
    ),
    "arm64 beside arm64/v8": (
        f"{TARGET}platforms:\n  linux/arm64: {SOURCE}\n  linux/arm64/v8: {SOURCE}2\n",
        [
            f"4:3: platform 'linux/arm64/v8' is the same as 'linux/arm64', first at {SPEC}:3:3; take one out"
        ],
    ),
    "not a tag": (
        f"{TARGET}tags: ['1.0 beta']\nplatforms:\n  linux/amd64: {SOURCE}\n",
        [f"2:8: '1.0 beta' is not a tag: {TAG_RULE}"],
    ),
    "short digest": (
        f"{TARGET}platforms:\n  linux/amd64: registry.test/app@{SHORT}\n",
        [f"3:16: '{SHORT}' is not a digest: sha256 has 64 hex digits, not 63"],
    ),
    "digest in image": (
        f"image: registry.test/app@{SHORT}a\nplatforms:\n  linux/amd64: {SOURCE}\n",
        [f"1:8: 'registry.test/app@{SHORT}a' names a digest; a target has at most a tag"],
    ),
    "no platforms": (
        TARGET,
        ["1:1: no images are given; add 'platforms' with an image for each platform"],
    ),
    "empty platforms": (
        f"{TARGET}platforms: {{}}\n",
        ["2:12: 'platforms' is empty; name at least one image"],
    ),
    "list": (
        "- image: registry.test/team/app:1.0\n",
        ["1:1: a spec must be a mapping of keys such as 'image', not a list"],
    ),
    "tab": (
        f"{TARGET}platforms:\n\tlinux/amd64: {SOURCE}\n",
        ["3:1: not YAML: a tab cannot indent in YAML; use spaces"],
    ),
    "unset variable": (
        f"{TARGET}platforms:\n  linux/amd64: {SOURCE}-${{VERSION}}\n",
        [
            (
                "3:16: variable 'VERSION' is not set; give it with --set VERSION=…, "
                "in the environment, or as ${VERSION:-default}"
            )
        ],
    ),
    "all at once": (
        f"image: registry.test/Team/app:1.0\ntag: x\nplatforms:\n  linux/amd46: {SOURCE}\n",
        [
            (
                "1:8: 'registry.test/Team/app:1.0' is not a reference: "
                "the repository name must be lower case"
            ),
            "2:1: unknown key 'tag'; did you mean 'tags'?",
            "4:3: unknown architecture 'amd46' in 'linux/amd46'; did you mean 'linux/amd64'?",
        ],
    ),
}


@pytest.mark.parametrize("name", SPECS)
def test_wrong_spec(name: str, tmp_path: Path) -> None:
    """Every problem is one line with its place; nothing else is printed, and the code is 3."""
    text, expected = SPECS[name]
    (tmp_path / SPEC).write_text(text)
    result = run_mbuild("check", cwd=tmp_path)
    assert result.lines == [f"error: {SPEC}:{line}" for line in expected]
    assert (result.code, result.stdout) == (3, "")


@pytest.mark.parametrize("command", ["push", "plan"])
def test_wrong_spec_stops(command: str, tmp_path: Path) -> None:
    """The commands that would go on to a registry say the same, and go no further."""
    text, expected = SPECS["all at once"]
    (tmp_path / SPEC).write_text(text)
    result = run_mbuild(command, cwd=tmp_path)
    assert result.lines == [f"error: {SPEC}:{line}" for line in expected]
    assert (result.code, result.stdout) == (3, "")


def test_wrong_spec_as_json(tmp_path: Path) -> None:
    """The document is written though the spec is wrong, with a place and a code a problem."""
    text, expected = SPECS["all at once"]
    (tmp_path / SPEC).write_text(text)
    result = run_mbuild("push", "--output", "json", cwd=tmp_path)
    document = json.loads(result.stdout)
    assert (result.code, document["version"], document["ok"]) == (3, 1, False)
    assert result.lines == [f"error: {SPEC}:{line}" for line in expected]


UNREADABLE: dict[str, tuple[list[str], list[str]]] = {
    "no spec": (
        ["push"],
        ["manifests.yaml: no such file; write one, or name your spec: mbuild push SPEC"],
    ),
    "named and missing": (["push", "absent.yaml"], ["absent.yaml: no such file; check the path"]),
    "a folder": (["push", "folder"], ["folder: cannot be read: is a directory"]),
    "not UTF-8": (
        ["push", "latin.yaml"],
        ["latin.yaml:1:11: byte 10 (0xe9) is not UTF-8; save it as UTF-8"],
    ),
    "empty": (["push", "-"], ["<stdin>: the spec is empty; it needs at least 'image'"]),
    "two of three": (
        ["check", "absent.yaml", "good.yaml", "folder"],
        ["absent.yaml: no such file; check the path", "folder: cannot be read: is a directory"],
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_spec(name: str, tmp_path: Path) -> None:
    """A spec that is not there, or cannot be read, is told by its name; the code is 3."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin.yaml").write_bytes("image: caf\xe9\n".encode("latin-1"))
    (tmp_path / "good.yaml").write_text(f"{TARGET}platforms:\n  linux/amd64: {SOURCE}\n")
    arguments, expected = UNREADABLE[name]
    result = run_mbuild(*arguments, cwd=tmp_path)
    assert result.lines == [f"error: {line}" for line in expected]
    assert (result.code, result.stdout) == (3, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["push", "--no-such-option"],
        ["no-such-command"],
        ["push", "--attempts", "0"],
        ["push", "--set", "VERSION"],
        ["push", "--output", "xml"],
        ["inspect"],
        ["create", "registry.test/app:1"],
    ],
    ids=" ".join,
)
def test_wrong_usage(arguments: list[str], tmp_path: Path) -> None:
    """A command line that cannot be is code 2, told on stderr alone."""
    result = run_mbuild(*arguments, cwd=tmp_path)
    assert (result.code, result.stdout) == (2, "")
    assert result.stderr
