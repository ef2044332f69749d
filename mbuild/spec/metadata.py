"""What a metadata file says: which image a build has left, by digest.

The file is what `docker buildx build --metadata-file` writes: an object with the digest under
`containerimage.digest` and the names under `image.name`; or what bake writes, an object of such
objects by target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mbuild.oci.digest import Digest, parse_digest
from mbuild.oci.fields import optional, optional_text, parse_object
from mbuild.oci.reference import AnyReference
from mbuild.spec.problems import show
from mbuild.spec.references import read_reference

DIGEST = "containerimage.digest"
DESCRIPTOR = "containerimage.descriptor"
NAME = "image.name"

MOST_LISTED = 20
"""So many builds of a file are listed in a message."""


def read_metadata(content: bytes, target: str, repository: AnyReference | None) -> AnyReference:
    """Give the image that a metadata file names, by its digest.

    `target` is the build that is meant, empty where there is only one; `repository` where the
    image is, None where the file says it. Raises ValueError that says what is wrong.
    """
    if not content.strip():
        raise ValueError("it is empty; the build that writes it has not come to its end")
    build = _choose(parse_object(content), target)
    digest = _digest(build)
    return replace(repository or _repository(build), tag="", digest=digest)


def _choose(metadata: Mapping[str, Any], target: str) -> Mapping[str, Any]:
    """Choose the build that is meant: the file's only one, or that of a name."""
    if target:
        build = metadata.get(target)
        if isinstance(build, dict):
            return build
        raise ValueError(f"it has no build {show(target)}; {_known(metadata)}")
    if _is_build(metadata):
        return metadata
    names = [name for name, value in metadata.items() if _is_build(value)]
    if len(names) > 1:
        raise ValueError(f"it is of several builds; say which one with 'target': {_list(names)}")
    # Without any, the file itself is what lacks a digest.
    return metadata[names[0]] if names else metadata


def _known(metadata: Mapping[str, Any]) -> str:
    names = [name for name, value in metadata.items() if _is_build(value)]
    if names:
        return f"it has {_list(names)}"
    return (
        "it is of one build, so leave out 'target'"
        if _is_build(metadata)
        else "it names no image at all"
    )


def _is_build(value: object) -> bool:
    return isinstance(value, dict) and (DIGEST in value or DESCRIPTOR in value)


def _list(names: list[str]) -> str:
    shown = ", ".join(names[:MOST_LISTED])
    return f"{shown} and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else shown


def _digest(build: Mapping[str, Any]) -> Digest:
    """Give the digest, which may stand in the file twice."""
    descriptor: Mapping[str, Any] = optional(build, DESCRIPTOR, dict, {})
    texts = {optional_text(build, DIGEST), optional_text(descriptor, "digest")} - {""}
    if not texts:
        raise ValueError(f"it has no {DIGEST!r}; build with --push, which gives the image one")
    if len(texts) > 1:
        raise ValueError(f"it names two digests, {' and '.join(sorted(map(show, texts)))}")
    return parse_digest(texts.pop())


def _repository(build: Mapping[str, Any]) -> AnyReference:
    """Give where the image is: the first of its names that can be used."""
    names = [name.strip() for name in optional_text(build, NAME).split(",")]
    reasons = []
    for name in filter(None, names):
        try:
            return read_reference(name, "")
        except ValueError as error:
            reasons.append(str(error))
    if reasons:
        raise ValueError(f"no name of its {NAME!r} can be used: {reasons[0]}")
    raise ValueError(
        f"it has no {NAME!r}; say with 'image' beside 'metadata' which repository the image is in"
    )
