"""Which form a target gives its images in."""

import pytest

from tests.spec.reading import codes, complaints

NONE = "no images are given; add 'platforms' with an image for each platform"

BROKEN = {
    "none": ("format: oci", f"1:1: {NONE}"),
    "nothing": ("platforms:", f"2:11: {NONE}"),
    "empty mapping": ("platforms: {}", "2:12: 'platforms' is empty; name at least one image"),
    "empty list of platforms": (
        "platforms: []\nsource: a",
        "2:12: 'platforms' is empty; name at least one image",
    ),
    "empty sources": ("sources: []", "2:10: 'sources' is empty; name at least one image"),
    "empty manifests": ("manifests: []", "2:12: 'manifests' is empty; name at least one image"),
    "empty list of entries": (
        "platforms: {windows/amd64: []}",
        "2:13: no image is given for 'windows/amd64'; name at least one",
    ),
    "two": (
        "sources: [a]\nplatforms: {linux/amd64: a}",
        "3:1: 'platforms' and 'sources' cannot stand together; keep one of them",
    ),
    "list without a template": (
        "platforms: [linux/amd64]",
        "2:12: a list of platforms needs 'source', a template such as team/app:1.4-{arch}",
    ),
    "template beside a mapping": (
        "platforms: {linux/amd64: a}\nsource: b",
        "3:9: 'source' needs 'platforms' to be a list, such as [linux/amd64, linux/arm64]",
    ),
    "template beside sources": (
        "sources: [a]\nsource: b",
        "3:9: 'source' needs 'platforms' to be a list, such as [linux/amd64, linux/arm64]",
    ),
    "template of a wrong type": (
        "platforms: [linux/amd64]\nsource: [b]",
        "3:9: 'source' must be one text, not a list",
    ),
    "platforms of a wrong type beside a template": (
        "platforms: a\nsource: b",
        (
            "2:12: 'platforms' must be a mapping of platforms to images, or a list of platforms, "
            "not 'a'"
        ),
    ),
}


def test_two_forms_of_wrong_types() -> None:
    """They are too many all the same."""
    text = "image: app\nplatforms: a\nsources: b"
    assert codes(text) == ["several-forms", "wrong-type", "wrong-type"]


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_exactly_one_form(text: str, message: str) -> None:
    """No images, images in two forms, and templates without platforms are problems."""
    assert complaints(f"image: app:1\n{text}") == [f"m.yaml:{message}"]
