"""Child tags: the tags that the images of an index get, each of its own."""

from __future__ import annotations

from collections.abc import Iterator

from mbuild.oci.platform import Platform
from mbuild.oci.reference import check_tag
from mbuild.spec.problems import Problems, show
from mbuild.spec.spec import Entry, Target
from mbuild.spec.templates import check_template, expand, words_in
from mbuild.spec.tree import Text

WORDS = ("os", "arch", "variant", "os.version", "compression", "tag")
"""What differs by image, and the first tag of the target."""

TELL_APART = (
    "let child_tags tell them apart, with {arch}, {variant}, {os}, {os.version} or {compression}"
)


def read_child_tags(text: Text | None, problems: Problems) -> str:
    """Give the template, empty where there is none; a wrong one is told and left out."""
    if text is None:
        return ""
    checked = problems.attempt(text, "bad-template", lambda: _checked(text))
    return str(checked or "")


def _checked(text: Text) -> Text:
    check_template(text, WORDS)
    if not {"arch", "variant", "os"} & words_in(text):
        raise ValueError(f"{show(text)} names all images alike; write it like {{tag}}-{{arch}}")
    return text


def make_child_tag(target: Target, platform: Platform, *, is_zstd: bool = False) -> str:
    """Fill in a target's template for an image; raises ValueError where that gives no tag."""
    further = {"os.version": platform.os_version, "compression": "zstd" if is_zstd else ""}
    tag = expand(target.child_tags, platform, target.destinations[0].tags[0], further)
    check_tag(tag)
    return tag


def known_child_tags(target: Target) -> Iterator[tuple[Entry, str]]:
    """Give the child tags that the spec alone tells; those that are none are left out."""
    for entry, platform in told_entries(target):
        try:
            yield entry, make_child_tag(target, platform, is_zstd=entry.is_zstd)
        except ValueError:
            continue


def told_entries(target: Target) -> Iterator[tuple[Entry, Platform]]:
    """Give the entries of which the spec alone tells all that their child tags are made of."""
    has_tags = bool(target.destinations and target.destinations[0].tags)
    for entry in target.entries if target.child_tags and has_tags else ():
        platform = entry.platform
        if platform and (platform.os_version or not _needs_version(target)):
            yield entry, platform


def _needs_version(target: Target) -> bool:
    return "os.version" in words_in(target.child_tags)
