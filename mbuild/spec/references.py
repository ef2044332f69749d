"""References of a spec: parsed, `latest` filled in, local paths joined to the spec's folder."""

from __future__ import annotations

import posixpath
import re
from typing import TypeVar

from mbuild.oci.reference import (
    AnyReference,
    LocalReference,
    parse_any_reference,
    with_default_tag,
)
from mbuild.spec.problems import show

T = TypeVar("T", bound=str)

LONGEST = 4096
"""No reference is longer: it is what a path may have."""

_TRANSPORT = re.compile(r"(docker-daemon|containers-storage|dir|ostree|sif|tarball):")
_URL = re.compile(r"(docker|https?|oci)://(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def read_reference(text: str, folder: str) -> AnyReference:
    """Parse a reference as it is written; raises ValueError that says what is wrong and why."""
    if not text:
        raise ValueError("an empty text is not a reference; write it like registry/repository:tag")
    check_length(text)
    if _CONTROL.search(text):
        raise ValueError(f"{show(text)} is not a reference: it holds a control character")
    if found := _URL.match(text):
        raise ValueError(f"{show(text)} is not a reference: leave out '{found[1]}://'")
    if found := _TRANSPORT.match(text):
        raise ValueError(
            f"{show(text)} cannot be used: '{found[1]}:' is not supported, "
            "only registry references, oci: layouts and archives are"
        )
    reference = parse_any_reference(text)
    if isinstance(reference, LocalReference) and folder:
        return reference.within(folder)
    return reference


def read_path(text: str, folder: str) -> str:
    """Join the name of a file or folder to the spec's; raises ValueError for what is no name."""
    if not text:
        raise ValueError("an empty text names no file")
    if _CONTROL.search(text):
        raise ValueError(f"{show(text)} names no file: it holds a control character")
    if len(text) > LONGEST:
        raise ValueError(f"{show(text)} names no file: it is longer than {LONGEST} characters")
    return posixpath.normpath(posixpath.join(folder, text)) if folder else text


def read_repository(text: str, folder: str) -> AnyReference:
    """Parse the name of a repository; raises ValueError for one with a tag or a digest."""
    reference = read_reference(text, folder)
    if reference.tag or reference.digest:
        what = "a digest" if reference.digest else "a tag"
        raise ValueError(f"{show(text)} names {what}; only the repository is needed here")
    return reference


def check_length(text: T) -> T:
    """Give the text back; raises ValueError where it is too long for any reference."""
    if len(text) > LONGEST:
        raise ValueError(f"{show(text)} is not a reference: it is longer than {LONGEST} characters")
    return text


def read_source(text: str, folder: str) -> AnyReference:
    """Parse a source; one in a registry with neither tag nor digest is `latest`.

    Raises ValueError.
    """
    reference = read_reference(text, folder)
    return reference if isinstance(reference, LocalReference) else with_default_tag(reference)
