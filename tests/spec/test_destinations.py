"""Where an index goes: repositories, tags, and targets that name one tag."""

import pytest

from mbuild.errors import SpecError
from mbuild.spec.parse import SpecText, parse_spec
from tests.spec.reading import complaints, read, read_target

DIGEST = "sha256:" + "0" * 64
NO_IMAGE = "no 'image' is given; it says where to publish, such as registry/team/app:1.4"

DESTINATIONS = {
    "tag in image": ("image: app:1", [("docker.io/library/app", ("1",))]),
    "tags alone": ("image: app\ntags: [1.10, '2']", [("docker.io/library/app", ("1.10", "2"))]),
    "both": ("image: app:1\ntags: [b, a]", [("docker.io/library/app", ("1", "b", "a"))]),
    "twice": ("image: app:1\ntags: [a, '1', a]", [("docker.io/library/app", ("1", "a"))]),
    "neither": ("image: app", [("docker.io/library/app", ("latest",))]),
    "empty tags": ("image: app\ntags: []", [("docker.io/library/app", ("latest",))]),
    "list": (
        "image: [a/app:1, r.example/app]\ntags: [x]",
        [("docker.io/a/app", ("1", "x")), ("r.example/app", ("x",))],
    ),
    "one repository twice": (
        "image: [app:1, docker.io/app:2, app]\ntags: [x]",
        [("docker.io/library/app", ("1", "2", "x"))],
    ),
    "list without tags": (
        "image: [a/app:1, b/app]",
        [("docker.io/a/app", ("1",)), ("docker.io/b/app", ("latest",))],
    ),
    "layout": ("image: oci:out:1\ntags: [x]", [("oci:out", ("1", "x"))]),
    "layout without tag": ("image: oci:out", [("oci:out", ("latest",))]),
    "archive": ("image: oci-archive:out.tar:1\ntags: [x]", [("oci-archive:out.tar", ("1", "x"))]),
    "archive without tag": ("image: oci-archive:a", [("oci-archive:a", ("latest",))]),
}


@pytest.mark.parametrize(("text", "expected"), DESTINATIONS.values(), ids=DESTINATIONS)
def test_repositories_and_tags(text: str, expected: list[tuple[str, tuple[str, ...]]]) -> None:
    """The tag in `image` first, then `tags`, each once; with neither, latest."""
    target = read_target(f"{text}\nsources: [a]")
    assert [(str(it.repository), it.tags) for it in target.destinations] == expected


BROKEN = {
    "no image": ("tags: [a]", f"m.yaml:1:1: {NO_IMAGE}"),
    "empty image": ("image:", f"m.yaml:1:7: {NO_IMAGE}"),
    "no image in the list": (
        "image: []",
        "m.yaml:1:8: 'image' is empty; name at least one repository",
    ),
    "digest": (
        f"image: app@{DIGEST}",
        f"m.yaml:1:8: 'app@{DIGEST}' names a digest; a target has at most a tag",
    ),
    "docker archive": (
        "image: docker-archive:out.tar:app:1",
        (
            "m.yaml:1:8: 'docker-archive:out.tar:app:1' cannot be a target: a docker-archive holds "
            "images of one platform each, and no list of them; write it as oci-archive:FILE"
        ),
    ),
    "no tag": (
        "image: app\ntags: [a b]",
        (
            "m.yaml:2:8: 'a b' is not a tag: it may hold letters, digits, '_', '.' and '-', "
            "not start with '.' or '-', and be 128 characters long at most"
        ),
    ),
    "empty tag": (
        "image: app\ntags: ['']",
        (
            "m.yaml:2:8: '' is not a tag: it may hold letters, digits, '_', '.' and '-', "
            "not start with '.' or '-', and be 128 characters long at most"
        ),
    ),
    "long tag": (
        f"image: app\ntags: [{'a' * 300}]",
        (
            f"m.yaml:2:8: '{'a' * 200}'… is not a tag: it may hold letters, digits, '_', '.' and "
            "'-', not start with '.' or '-', and be 128 characters long at most"
        ),
    ),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_wrong_targets_are_told(text: str, message: str) -> None:
    """A missing image, a digest where a tag belongs, a tag that is none."""
    assert complaints(f"{text}\nsources: [a]") == [message]


CLASHES = {
    "two images": (
        "images:\n- {image: app:1, sources: [a]}\n- {image: docker.io/app, tags: ['1'], sources: [b]}",
        ["m.yaml:3:33: tag '1' of app is a target already, first at m.yaml:2:11; take one out"],
    ),
    "two documents": (
        "image: app\nsources: [a]\n---\nimage: app:latest\nsources: [b]",
        ["m.yaml:4:8: tag 'latest' of app is a target already, first at m.yaml:1:8; take one out"],
    ),
    "tags from the defaults": (
        "tags: [x]\nsources: [a]\nimages:\n- image: app\n- image: app\n",
        ["m.yaml:5:3: tag 'x' of app is a target already, first at m.yaml:4:3; take one out"],
    ),
    "layouts": (
        "images:\n- {image: oci:out:1, sources: [a]}\n- {image: oci:./out/:1, sources: [a]}",
        [
            "m.yaml:3:11: tag '1' of oci:./out/ is a target already, first at m.yaml:2:11; take one out"
        ],
    ),
}


@pytest.mark.parametrize(("text", "messages"), CLASHES.values(), ids=CLASHES)
def test_a_tag_has_one_target(text: str, messages: list[str]) -> None:
    """Two targets that name one tag are an error that shows both places."""
    assert complaints(text) == messages


def test_a_tag_has_one_target_in_all_files() -> None:
    """Several files make one run."""
    one, two = (SpecText(name, b"image: app:1\nsources: [a]", "") for name in ("a.yaml", "b.yaml"))
    with pytest.raises(SpecError) as caught:
        parse_spec([one, two], variables={})
    message = "b.yaml:1:8: tag '1' of app is a target already, first at a.yaml:1:8; take one out"
    assert str(caught.value) == message


def test_one_repository_may_have_many_targets() -> None:
    """Only a tag is taken, not the repository."""
    text = "images:\n- {image: app:1, sources: [a]}\n- {image: app:2, sources: [b]}"
    assert len(read(text).targets) == 2


@pytest.mark.parametrize(
    ("image", "tags"),
    [("app:1", ("1", "a")), ("app", ("a",)), ("app:a", ("a",))],
    ids=["tag in image", "no tag", "the same"],
)
def test_further_tags(image: str, tags: tuple[str, ...]) -> None:
    """Tags that go to every target stand behind its own, and in the place of `latest`."""
    text = SpecText("m.yaml", f"image: {image}\nsources: [a]".encode(), "")
    (target,) = parse_spec([text], variables={}, tags=["a"]).targets
    assert [one.tags for one in target.destinations] == [tags]
