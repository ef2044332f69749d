"""The shape of a spec: its keys, what each may hold and what it is for (pydantic).

Validation sorts the tree of a document into typed fields and no more: texts stay `Text`, so
that every value still knows where it stands. What a text means is read afterwards.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Tag

from mbuild.spec import spec
from mbuild.spec.entry_model import (
    Boolean,
    DigestsShape,
    Entries,
    Manifest,
    Scalar,
    Shape,
    Source,
    Words,
    choice,
    forms,
)

Format = Annotated[spec.Format, choice("auto", "oci", "docker")]
AttestationPolicy = Annotated[spec.AttestationPolicy, choice("keep", "strip", "require")]
ReferrerPolicy = Annotated[spec.ReferrerPolicy, choice("leave", "copy")]


class TargetShape(Shape):
    """One index: where it goes and what it is made of."""

    image: (
        Annotated[
            Annotated[Words, Tag("(text)")] | Annotated[list[Words], Tag("(list)")],
            forms("must be a reference, or a list of references"),
        ]
        | None
    ) = Field(None, description="Where the index goes: a reference, or a list of them.")
    tags: list[Scalar] | None = Field(
        None, description="Tags of the index, beside the one in 'image'; latest if there is none."
    )
    platforms: (
        Annotated[
            Annotated[dict[Words, Entries], Tag("(table)")] | Annotated[list[Words], Tag("(list)")],
            forms("must be a mapping of platforms to images, or a list of platforms"),
        ]
        | None
    ) = Field(
        None,
        description="Images by platform, os/arch[/variant][:os.version]; or a list of platforms, "
        "their images named by 'source'.",
    )
    source: Words | None = Field(
        None,
        description="The images of a list of platforms, by a template with {os} {arch} {variant} "
        "{tag}, or with manifest-tool's words OS, ARCH, VARIANT.",
    )
    sources: list[Source] | None = Field(
        None, description="Images whose platforms are read from their configs."
    )
    manifests: list[Manifest] | None = Field(
        None, description="Images with their platforms, as manifest-tool writes them."
    )
    digests: DigestsShape | None = Field(
        None, description="More images, by a folder of files that are named by their digests."
    )
    base: Words | None = Field(
        None,
        description="An index, or one image, to start from: images of the same platforms are "
        "replaced, the others stay.",
    )
    remove: list[Words] | None = Field(
        None, description="Platforms to take out of 'base', before images are put in."
    )
    child_tags: Words | None = Field(
        None,
        description="Tags each image in the target's repositories too, by a template with {os} "
        "{arch} {variant} {os.version} {compression} {tag}.",
    )
    format: Format = Field(
        "auto",
        description="auto: a Docker list of Docker manifests, else an OCI index; oci or docker: "
        "that or an error.",
    )
    convert: Boolean | None = Field(
        None,
        description="What becomes of images of another kind than 'format' names: true converts "
        "them, their layers stay as they are; false lists them as they are; else they are an "
        "error.",
    )
    annotations: dict[Words, Scalar] | None = Field(
        None, description="Annotations on the index (OCI only)."
    )
    attestations: AttestationPolicy = Field(
        "keep",
        description="What becomes of the provenance and SBOMs that buildx attached; require: "
        "every image must have some.",
    )
    referrers: ReferrerPolicy = Field(
        "leave",
        description="copy: signatures, SBOMs and attestations that belong to the images travel "
        "with them to other repositories.",
    )
    require: list[Words] | None = Field(
        None, description="Platforms that must be in the result, whatever its sources say."
    )


class DocumentShape(TargetShape):
    """A whole document: one target, or many with defaults."""

    images: list[TargetShape] | None = Field(
        None,
        description="Many targets; the document's other keys are their defaults, each replaced "
        "whole by a target that gives it.",
    )
