"""`--only` and `--shard`: which targets of a spec a command is about."""

import json
from pathlib import Path

import pytest

from tests.cli.world import mbuild

MANY = """\
images:
  - {image: "oci:one:1.0", sources: ["oci:builds:amd64"]}
  - {image: "oci:two:1.0", sources: ["oci:builds:arm64"]}
"""


@pytest.fixture
def many(folder: Path) -> Path:
    """A folder with builds, and a spec of two targets."""
    (folder / "manifests.yaml").write_text(MANY)
    return folder


def images(*words: str) -> list[str]:
    """The repositories that a command's document tells of."""
    done = mbuild(*words, "-o", "json")
    assert done.code == 0
    return [target["image"] for target in json.loads(done.stdout)["targets"]]


def test_only(many: Path) -> None:
    """Only what is named is planned and pushed."""
    assert images("plan", "--only", "oci:t*") == ["oci:two"]
    assert images("push", "--only", "oci:two:1.0") == ["oci:two"]
    assert (many / "two").exists()
    assert not (many / "one").exists()


@pytest.mark.usefixtures("many")
def test_only_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable holds patterns with white space between them."""
    monkeypatch.setenv("MBUILD_ONLY", "oci:one *two*")
    assert images("plan") == ["oci:one", "oci:two"]


@pytest.mark.usefixtures("many")
def test_shards() -> None:
    """All shards together are the whole spec, and no target is in two."""
    shards = [images("plan", "--shard", f"{number}/3") for number in (1, 2, 3)]
    assert sorted(image for shard in shards for image in shard) == ["oci:one", "oci:two"]


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("command", ["push", "plan"])
def test_empty_shard(command: str) -> None:
    """A shard without a target is nothing to do, which is no error."""
    empty = next(f"{number}/3" for number in (1, 2, 3) if not images("plan", f"--shard={number}/3"))
    done = mbuild(command, "--shard", empty)
    assert (done.code, done.stdout, done.stderr) == (
        0,
        "nothing to do: no target is chosen\n",
        "",
    )
    assert mbuild(command, "--shard", empty, "--quiet").stdout == ""


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ["--only", "oci:three"],
            "--only 'oci:three' names no target of the spec; near to it: oci:two, oci:one",
        ),
        (
            ["--shard", "0/2"],
            (
                "--shard '0/2' is not I/N with I from 1 to N; "
                "the second of three machines has --shard 2/3"
            ),
        ),
        (
            ["--shard", ""],
            "--shard '' is not I/N with I from 1 to N; the second of three machines has --shard 2/3",
        ),
        (["--frozen", ""], "--frozen '' names no lock; name the file that mbuild lock wrote"),
        (["--frozen", "-"], "--frozen '-' names no lock; name the file that mbuild lock wrote"),
    ],
    ids=["only", "shard", "empty shard", "empty lock", "stdin for a lock"],
)
@pytest.mark.usefixtures("many")
def test_wrong(words: list[str], error: str) -> None:
    """A pattern that names nothing and a shard that is none are errors of the command line."""
    done = mbuild("push", *words)
    assert (done.code, done.stdout, done.errors) == (2, "", [f"error: {error}"])


def test_errors_elsewhere_in_the_spec(many: Path) -> None:
    """An error in a target that is not chosen stops the run."""
    (many / "manifests.yaml").write_text(MANY + "  - {image: oci:bad}\n")
    done = mbuild("push", "--only", "oci:one")
    assert (done.code, len(done.errors)) == (3, 1)
    assert not (many / "one").exists()
