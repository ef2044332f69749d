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


def test_a_form_that_is_wrong_is_not_counted() -> None:
    """Only its own problem is told; nor is a misspelt one missed, or one too many."""
    assert codes("image: app\nplatforms: a\nsources: b") == ["wrong-type", "wrong-type"]
    assert codes("image: app\nplatfroms: {linux/amd64: a}") == ["unknown-key"]
    assert codes("image: app\nplatfroms: {linux/amd64: a}\nsources: [a]") == ["unknown-key"]
    assert codes("imag: app\nplatforms: [linux/amd64]\nsorce: a") == ["unknown-key"] * 2
    assert codes("platforms: {linux/amd64: {imag: a}}") == ["no-image", "unknown-key"]


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_exactly_one_form(text: str, message: str) -> None:
    """No images, images in two forms, and templates without platforms are problems."""
    assert complaints(f"image: app:1\n{text}") == [f"m.yaml:{message}"]
