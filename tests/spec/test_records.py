"""What a spec says of metadata files and folders of digests: read, and every wrong form told."""

import pytest

from mbuild.oci.platform import Platform
from mbuild.oci.reference import parse_any_reference
from mbuild.spec.spec import Digests, Metadata, Position, Record
from tests.spec.reading import codes, complaints, read_target

AMD = Platform("linux", "amd64")
APP = parse_any_reference("registry.test/app")


def records(text: str, folder: str = "", **variables: str) -> tuple[tuple[int, Record], ...]:
    """The records of a target that goes to `registry.test/app:1`."""
    return read_target(f"image: registry.test/app:1\n{text}", folder, **variables).records


def at(line: int, column: int) -> Position:
    """A place in the spec."""
    return Position("m.yaml", line, column)


FORMS: dict[str, tuple[str, list[tuple[int, Record]]]] = {
    "of a platform": (
        "platforms:\n  linux/amd64: {metadata: a.json}",
        [(0, Metadata("a.json", at(3, 27), platform=AMD))],
    ),
    "with all that an entry may say": (
        (
            "platforms:\n  windows/amd64:\n  - app:a\n"
            "  - {metadata: a.json, target: app, image: registry.test/app, optional: true,\n"
            "     trust: spec, annotations: {a: b}, os.version: 10.0.1, os.features: [win32k]}"
        ),
        [
            (
                1,
                Metadata(
                    "a.json",
                    at(5, 16),
                    target="app",
                    repository=APP,
                    platform=Platform("windows", "amd64", "", "10.0.1", ("win32k",)),
                    annotations=(("a", "b"),),
                    optional=True,
                    trust="spec",
                ),
            )
        ],
    ),
    "sources": (
        "sources:\n- metadata: out/*.json\n- app:a\n- metadata: b.json\n  image: oci:builds",
        [
            (0, Metadata("out/*.json", at(3, 13), is_glob=True)),
            (1, Metadata("b.json", at(5, 13), repository=parse_any_reference("oci:builds"))),
        ],
    ),
    "manifests": (
        "manifests:\n- metadata: a.json\n  platform: {os: linux, architecture: amd64}",
        [(0, Metadata("a.json", at(3, 13), platform=AMD))],
    ),
    "digests of the target's repository": (
        "digests: {dir: ./digests}",
        [(0, Digests("./digests", APP, at(2, 16)))],
    ),
    "digests of another repository, after the other images": (
        "digests:\n  image: registry.test/staging\n  dir: d\nsources: [app:a, {metadata: m}]",
        [
            (1, Metadata("m", at(5, 29))),
            (1, Digests("d", parse_any_reference("registry.test/staging"), at(4, 8))),
        ],
    ),
}


@pytest.mark.parametrize(("text", "expected"), FORMS.values(), ids=FORMS)
def test_forms(text: str, expected: list[tuple[int, Record]]) -> None:
    """Every form becomes a record, with the number of the entries before it."""
    assert list(records(text)) == expected


def test_paths() -> None:
    """Paths are relative to the spec's folder, which itself is no pattern; variables work."""
    text = "sources: [{metadata: '${OUT}/*.json'}, {metadata: /a.json}]\ndigests: {dir: ../d}"
    found = [
        record.folder if isinstance(record, Digests) else record.file
        for _, record in records(text, "ci", OUT="out")
    ]
    assert found == ["ci/out/*.json", "/a.json", "d"]
    [(_, record)] = records("sources: [{metadata: '*.json'}, app:a]", "[ci]")
    assert record == Metadata("[[]ci]/*.json", at(2, 22), is_glob=True)
    [(_, record)] = records("sources: [{metadata: a.json}]", "[ci]")
    assert record == Metadata("[ci]/a.json", at(2, 22))


IMAGE = "image: app:1\n"
BROKEN = {
    "no file": ("sources: [{metadata: ''}]", "2:22: an empty text names no file"),
    "control character": (
        'sources: [{metadata: "a\\nb"}]',
        r"2:22: 'a\nb' names no file: it holds a control character",
    ),
    "very long path": (
        f"digests: {{dir: {'a' * 5000}}}",
        f"2:16: '{'a' * 200}'… names no file: it is longer than 4096 characters",
    ),
    "a list of files": (
        "sources: [{metadata: [a]}]",
        "2:22: 'metadata' must be one text, not a list",
    ),
    "misspelt": (
        "sources: [{metdata: a}]",
        "2:12: unknown key 'metdata'; did you mean 'metadata'?",
    ),
    "unknown key beside it": (
        "sources: [{metadata: a, taget: b}]",
        "2:25: unknown key 'taget'; did you mean 'target'?",
    ),
    "key of another form beside it": (
        "sources: [{metadata: a, os.version: '1'}]",
        (
            "2:25: unknown key 'os.version'; known here: annotations, image, metadata, optional, "
            "target, trust"
        ),
    ),
    "tag of the image": (
        "sources: [{metadata: a, image: app:1}]",
        "2:32: 'app:1' names a tag; only the repository is needed here",
    ),
    "digest of the image": (
        f"sources: [{{metadata: a, image: 'app@sha256:{'0' * 64}'}}]",
        f"2:32: 'app@sha256:{'0' * 64}' names a digest; only the repository is needed here",
    ),
    "wrong image": (
        "digests: {dir: a, image: APP}",
        "2:26: 'APP' is not a reference: the repository name must be lower case",
    ),
    "digests without a folder": ("digests: {image: app}", "2:10: no 'dir' is given here"),
    "digests as a text": ("digests: ./d", "2:10: 'digests' must be a mapping, not './d'"),
    "key of digests": (
        "digests: {dri: d}",
        "2:11: unknown key 'dri'; did you mean 'dir'?",
    ),
    "one platform twice": (
        "platforms:\n  linux/amd64: [app:a, {metadata: a.json}]",
        "3:35: platform 'linux/amd64' is given twice, first at m.yaml:3:17; take one out",
    ),
    "annotations of a Docker list": (
        "format: docker\nsources: [{metadata: a.json, annotations: {a: b}}]",
        (
            "3:22: this entry's annotations need an OCI index; leave out 'format: docker', or "
            "the annotations"
        ),
    ),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_wrong_records_are_told(text: str, message: str) -> None:
    """Each is one problem, where it stands."""
    assert complaints(f"image: app:1\n{text}") == [f"m.yaml:{message}"]


def test_all_problems_are_told_at_once() -> None:
    """Of the file, of the repository, and of a target that is none."""
    assert codes("image: app\nsources: [{metadata: '', image: A}]") == [
        "bad-path",
        "bad-reference",
    ]
    assert codes("image: APP\ndigests: {dir: ''}") == ["bad-reference", "bad-path"]
    assert codes("image: APP\ndigests: {dir: d}") == ["bad-reference"]
