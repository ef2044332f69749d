"""Records become entries: in their place, with all that the spec says; errors stay with a target."""

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import pytest

from mbuild.errors import SourceError, SourceNotFound
from mbuild.oci.platform import Platform
from mbuild.spec.fill_in import MOST_BYTES, MOST_FILES, fill_in
from mbuild.spec.spec import Target
from tests.spec.reading import read, read_target

A, B = "a" * 64, "b" * 64


def metadata(letter: str, name: str = "registry.test/app:1") -> bytes:
    """What a build writes of an image whose digest is one letter, 64 times."""
    digest = f"sha256:{letter * 64}"
    return json.dumps({"containerimage.digest": digest, "image.name": name}).encode()


class Folder:
    """A folder in memory: contents, or what is raised instead, by path."""

    def __init__(self, held: Mapping[str, bytes | OSError | Sequence[str]]) -> None:
        self._held = held
        self.asked: list[str] = []

    def read(self, file: str, most: int) -> bytes:
        """Give a content, or raise."""
        self.asked.append(file)
        found = self._held.get(file, FileNotFoundError(2, "No such file or directory"))
        if isinstance(found, OSError):
            raise found
        assert isinstance(found, bytes)
        return found[:most]

    def match(self, pattern: str, most: int) -> Sequence[str]:
        """Give the paths that match, in no order that anybody wants."""
        found = [path for path in self._held if fnmatchcase(path, pattern)]
        return sorted(found, reverse=True)[:most]

    def names(self, folder: str, most: int) -> Sequence[str]:
        """Give the names, or raise."""
        found = self._held.get(folder, FileNotFoundError(2, "No such file or directory"))
        if isinstance(found, OSError):
            raise found
        assert not isinstance(found, bytes)
        return found[:most]


def filled(text: str, held: Mapping[str, bytes | OSError | Sequence[str]]) -> Target:
    """The only target of a spec that goes to registry.test/out:1, its records read."""
    spec = read(f"image: registry.test/out:1\n{text}")
    [target] = fill_in(spec, Folder(held)).targets
    assert not target.records
    return target


def images(target: Target) -> list[str]:
    """The images of the target's entries."""
    return [str(entry.reference) for entry in target.entries]


def test_nothing_to_read() -> None:
    """A target without records stays what it is, and nothing is looked at."""
    spec = read("image: app:1\nsources: [a]")
    folder = Folder({})
    assert fill_in(spec, folder).targets[0] is spec.targets[0]
    assert folder.asked == []


def test_in_their_places() -> None:
    """Each record stands where the spec has it, those of a glob sorted by name."""
    text = """\
sources:
- registry.test/app:first
- metadata: out/*.json
- metadata: last.json
- registry.test/app:last
digests: {dir: d}
"""
    held: dict[str, bytes | OSError | Sequence[str]] = {
        "out/b.json": metadata("b"),
        "out/a.json": metadata("a", "registry.test/other"),
        "last.json": metadata("c"),
        "d": [f"sha256-{B}", A, f"sha256:{A}"],
    }
    target = filled(text, held)
    assert images(target) == [
        "registry.test/app:first",
        f"registry.test/other@sha256:{A}",
        f"registry.test/app@sha256:{B}",
        f"registry.test/app@sha256:{'c' * 64}",
        "registry.test/app:last",
        f"registry.test/out@sha256:{A}",
        f"registry.test/out@sha256:{B}",
    ]
    assert target.faults == ()
    assert str(target.entries[2].position) == "m.yaml:4:13"


def test_all_that_is_said_of_an_entry() -> None:
    """Platform, annotations, optional and trust are those of the spec."""
    text = (
        "platforms:\n  linux/amd64: {metadata: a.json, optional: true, trust: spec, "
        "annotations: {a: b}}"
    )
    [entry] = filled(text, {"a.json": metadata("a")}).entries
    [same] = read_target(
        "image: registry.test/out:1\nplatforms:\n  linux/amd64: "
        f"{{image: 'registry.test/app@sha256:{A}', optional: true, trust: spec, "
        "annotations: {a: b}}"
    ).entries
    assert entry.platform == Platform("linux", "amd64")
    for field in ("reference", "platform", "annotations", "optional", "trust", "pin", "absent"):
        assert getattr(entry, field) == getattr(same, field)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{metadata: a.json, optional: true}", "registry.test/out"),
        ("{metadata: '*.json', optional: true}", "registry.test/out"),
        ("{metadata: a.json, optional: true, image: registry.test/app}", "registry.test/app"),
    ],
    ids=["a file", "a glob", "with a repository"],
)
def test_absent(text: str, name: str) -> None:
    """An optional entry whose file does not exist is absent, and no error."""
    target = filled(f"sources: [{text}]", {})
    [entry] = target.entries
    assert (str(entry.reference), target.faults) == (name, ())
    assert entry.absent == ("*.json" if "*" in text else "a.json")


WRITE = "let the build write it first: docker buildx build --push --metadata-file"
FILES: dict[str, tuple[str, bytes | OSError, str]] = {
    "a folder": (
        "a.json",
        IsADirectoryError(21, "Is a directory"),
        "m.yaml:2:22: a.json: cannot be read: is a directory",
    ),
    "no right": (
        "a.json",
        PermissionError(13, "Permission denied"),
        "m.yaml:2:22: a.json: cannot be read: permission denied",
    ),
    "an error without words": (
        "a.json",
        OSError("odd"),
        "m.yaml:2:22: a.json: cannot be read: odd",
    ),
    "too large": (
        "a.json",
        b" " * (MOST_BYTES + 1),
        "m.yaml:2:22: a.json: it is larger than 16 MiB: no metadata file is",
    ),
    "broken": ("a.json", b"[]", "m.yaml:2:22: a.json: not a JSON object"),
    "very long words": (
        "a.json",
        metadata("a" * 1000),
        f"m.yaml:2:22: a.json: '{'sha256:' + 'a' * 1000}"[:513] + "…",
    ),
}


@pytest.mark.parametrize("optional", [False, True], ids=["required", "optional"])
@pytest.mark.parametrize(("file", "held", "message"), FILES.values(), ids=FILES)
def test_files_that_cannot_be_read(
    file: str, held: bytes | OSError, message: str, optional: bool
) -> None:
    """Each is the target's fault with exit code 4, optional or not."""
    text = f"sources: [{{metadata: {file}, optional: {str(optional).lower()}}}]"
    [fault] = filled(text, {file: held}).faults
    assert (str(fault), fault.exit_code, type(fault)) == (message, 4, SourceError)


def test_absent_and_required() -> None:
    """A file that does not exist, or a glob that matches none, is a source that was not found."""
    target = filled("sources: [{metadata: a.json}, {metadata: 'b*'}]", {"c.json": metadata("c")})
    assert [str(fault) for fault in target.faults] == [
        f"m.yaml:2:22: a.json: no such file; {WRITE}",
        f"m.yaml:2:42: b*: no file matches; {WRITE}",
    ]
    assert {type(fault) for fault in target.faults} == {SourceNotFound}


def test_too_many_files() -> None:
    """A glob that matches the whole disk is no list of images."""
    held = {f"{number}.json": metadata("a") for number in range(MOST_FILES + 1)}
    target = filled("sources: [{metadata: '*.json'}]", held)
    assert [str(fault) for fault in target.faults] == [
        "m.yaml:2:22: *.json: more than 1,000 files match"
    ]


PLACE = "m.yaml:2:16: d"
NONE = "is no digest: a name has 64 hex digits; take it out of the folder"
NESTED = (
    "is a folder; only files named by a digest may be; put all of them into one folder; "
    "download-artifact does with merge-multiple: true"
)
FOLDERS: dict[str, tuple[OSError | Sequence[str], list[str]]] = {
    "absent": (
        FileNotFoundError(2, "No such file or directory"),
        [f"{PLACE}: no such folder; let the builds leave their digests first"],
    ),
    "a file": (
        NotADirectoryError(20, "Not a directory"),
        [f"{PLACE}: cannot be read: not a directory"],
    ),
    "empty": (
        [],
        [f"{PLACE}: no build has left a digest in it; see whether every build came to its end"],
    ),
    "other names": (
        [A, "README.md", "B" * 64, f"sha512-{B}"],
        [f"{PLACE}: '{name}' {NONE}" for name in ("B" * 64, "README.md", f"sha512-{B}")],
    ),
    "folders": (
        ["digests-linux-amd64/", f"{A}/"],
        [f"{PLACE}: '{name}' {NESTED}" for name in (A, "digests-linux-amd64")],
    ),
    "very many": (
        [f"{number:064x}" for number in range(MOST_FILES + 1)],
        [f"{PLACE}: more than 1,000 files are in it"],
    ),
}


@pytest.mark.parametrize(("held", "messages"), FOLDERS.values(), ids=FOLDERS)
def test_folders_that_cannot_be_used(held: OSError | Sequence[str], messages: list[str]) -> None:
    """Each is the target's fault; nothing in the folder is left out in silence."""
    target = filled("digests: {dir: d}", {"d": held})
    assert [str(fault) for fault in target.faults] == messages
    assert {fault.exit_code for fault in target.faults} == {4}


def test_of_one_target_only() -> None:
    """The errors of one target are not another's."""
    spec = read("""
        images:
        - {image: "app:1", sources: [{metadata: none.json}]}
        - {image: "app:2", sources: [{metadata: a.json}]}
        """)
    one, two = fill_in(spec, Folder({"a.json": metadata("a")})).targets
    assert (len(one.faults), one.entries) == (1, ())
    assert (two.faults, images(two)) == ((), [f"registry.test/app@sha256:{A}"])
