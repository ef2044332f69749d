"""References of a spec."""

import pytest

from mbuild.spec.references import read_reference, read_source
from tests.spec.reading import complaints, read_target

DIGEST = "sha256:" + "0" * 64

SOURCES = {
    "short": ("app", "docker.io/library/app:latest"),
    "tag": ("team/app:1", "docker.io/team/app:1"),
    "digest": (f"team/app@{DIGEST}", f"docker.io/team/app@{DIGEST}"),
    "both": (f"r.example:5000/app:1@{DIGEST}", f"r.example:5000/app:1@{DIGEST}"),
    "layout": ("oci:images/app:1", "oci:spec/images/app:1"),
    "layout without tag": ("oci:app", "oci:spec/app"),
    "layout above": ("oci:../app", "oci:app"),
    "layout with digest": (f"oci:app@{DIGEST}", f"oci:spec/app@{DIGEST}"),
    "absolute layout": ("oci:/images/app:1", "oci:/images/app:1"),
    "archive": ("oci-archive:app.tar:1", "oci-archive:spec/app.tar:1"),
    "archive without tag": ("oci-archive:../app.tar", "oci-archive:app.tar"),
    "docker archive": ("docker-archive:app.tar:app:1", "docker-archive:spec/app.tar:app:1"),
    "absolute archive": ("docker-archive:/app.tar", "docker-archive:/app.tar"),
}


@pytest.mark.parametrize(("text", "expected"), SOURCES.values(), ids=SOURCES)
def test_sources(text: str, expected: str) -> None:
    """Registry references get `latest`, layouts the folder of the spec, and nothing else changes."""
    assert str(read_source(text, "spec")) == expected


def test_without_a_folder_a_path_stays_as_it_is() -> None:
    """A spec from stdin names layouts from where mbuild runs."""
    assert str(read_reference("oci:./app/", "")) == "oci:./app/"


BROKEN = {
    "empty": (
        "''",
        "an empty text is not a reference; write it like registry/repository:tag",
    ),
    "upper case": (
        "r.example/Team/app",
        "'r.example/Team/app' is not a reference: the repository name must be lower case",
    ),
    "folder": (
        "dir:app",
        (
            "'dir:app' cannot be used: 'dir:' is not supported, "
            "only registry references, oci: layouts and archives are"
        ),
    ),
    "skopeo's": ("docker://app:1", "'docker://app:1' is not a reference: leave out 'docker://'"),
    "URL": (
        "https://r.example/app",
        "'https://r.example/app' is not a reference: leave out 'https://'",
    ),
    "control character": (
        '"oci:a\\nb"',
        "'oci:a\\nb' is not a reference: it holds a control character",
    ),
    "long": (
        "a" * 5000,
        f"'{'a' * 200}'… is not a reference: it is longer than 4096 characters",
    ),
    "short digest": (
        "app@sha256:abc",
        "'sha256:abc' is not a digest: it must look like sha256: and 64 hex digits",
    ),
    "archive without file": (
        "'oci-archive:'",
        "'oci-archive:' is not a reference: oci-archive: needs a file, oci-archive:FILE[:TAG]",
    ),
    "no directory": ("'oci:'", "'oci:' is not a reference: oci: needs a directory, oci:DIR[:TAG]"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_wrong_references_are_told(text: str, message: str) -> None:
    """What is wrong, and what to write instead."""
    assert complaints(f"image: app\nsources:\n- {text}\n") == [f"m.yaml:3:3: {message}"]


def test_layouts_are_found_from_the_spec() -> None:
    """Targets and sources alike, in a path that stays short."""
    target = read_target("image: oci:out:1\nsources: [oci:in:1]", folder="./examples")
    assert str(target.destinations[0].repository) == "oci:examples/out"
    assert str(target.entries[0].reference) == "oci:examples/in:1"
