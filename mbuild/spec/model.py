"""The shape of a spec: its keys, what each may hold and what it is for (pydantic).

Validation sorts the tree of a document into typed fields and no more: texts stay `Text`, so
that every value still knows where it stands. What a text means is read afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    InstanceOf,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mbuild.spec import spec
from mbuild.spec.tree import Items, Null, Table, Text

_VARIABLE = {"type": "string", "pattern": r"\$\{"}

Words = Annotated[Text, InstanceOf, WithJsonSchema({"type": "string"})]
"""A text that no YAML reader takes for anything else, such as a reference."""

Scalar = Annotated[Text, InstanceOf, WithJsonSchema({"type": ["string", "number", "boolean"]})]
"""A text that other YAML readers may take for a number or a boolean, such as the tag 1.10."""


def _boolean(value: object) -> bool:
    word = value.lower() if isinstance(value, Text) else ""
    if word not in {"true", "false"}:
        raise PydanticCustomError("boolean", "must be true or false")
    return word == "true"


Boolean = Annotated[
    bool, BeforeValidator(_boolean), WithJsonSchema({"anyOf": [{"type": "boolean"}, _VARIABLE]})
]


def _choice(*words: str) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"enum": list(words)}, _VARIABLE]})


Format = Annotated[spec.Format, _choice("auto", "oci", "docker")]
AttestationPolicy = Annotated[spec.AttestationPolicy, _choice("keep", "strip", "require")]
Trust = Annotated[spec.Trust, _choice("config", "spec")]


_KINDS: Mapping[type, str] = {Text: "(text)", Table: "(table)", Items: "(list)"}


def _kind(value: object) -> str | None:
    """Tell the forms of a union apart; the words stand in the path of an error."""
    return next((word for kind, word in _KINDS.items() if isinstance(value, kind)), None)


def _forms(message: str) -> Discriminator:
    return Discriminator(_kind, custom_error_type="form", custom_error_message=message)


_OS_VERSION = "The version of Windows it was built for; from its config if left out."
_OS_FEATURES = "What it asks of the operating system, such as win32k; from its config if left out."


class Shape(BaseModel):
    """What all mappings of a spec have in common: a key without a value counts as not written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        if not isinstance(data, Table):
            return data
        return {key: value for key, value in data.items() if not isinstance(value, Null)}


class LongSource(Shape):
    """One image, with more to say of it than its reference."""

    image: Words = Field(description="The image's reference, in a registry or an oci: layout.")
    annotations: dict[Words, Scalar] | None = Field(
        None, description="Annotations on this entry of the index (OCI only)."
    )
    optional: Boolean = Field(
        default=False,
        description="true: leave the entry out where the image does not exist (a true 404).",
    )
    trust: Trust = Field(
        "config", description="Who wins where the spec's platform and the image's config differ."
    )


class LongEntry(LongSource):
    """One image of a platform that is given, narrowed by what its config may leave unsaid."""

    os_version: Scalar | None = Field(
        None,
        validation_alias="os.version",
        description=_OS_VERSION,
    )
    os_features: list[Words] | None = Field(
        None,
        validation_alias="os.features",
        description=_OS_FEATURES,
    )


class PlatformShape(Shape):
    """A platform in parts, as manifest-tool writes it."""

    architecture: Scalar = Field(description="The architecture, in Go's words: amd64, arm64, arm.")
    os: Words = Field(description="The operating system, in Go's words: linux, windows.")
    variant: Scalar | None = Field(None, description="The variant of the architecture: v7, v8.")
    os_version: Scalar | None = Field(None, validation_alias="os.version", description=_OS_VERSION)
    os_features: list[Words] | None = Field(
        None, validation_alias="os.features", description=_OS_FEATURES
    )
    osversion: Scalar | None = Field(None, description="manifest-tool's spelling of os.version.")
    osfeatures: list[Words] | None = Field(
        None, description="manifest-tool's spelling of os.features."
    )


class ManifestShape(LongSource):
    """One image with its platform, as manifest-tool writes it."""

    platform: (
        Annotated[
            Annotated[Words, Tag("(text)")] | Annotated[PlatformShape, Tag("(table)")],
            _forms("must be os/arch[/variant], or a mapping with 'os' and 'architecture'"),
        ]
        | None
    ) = Field(None, description="Its platform; from its config if left out.")


_ENTRY_FORMS = "must be an image's reference, a mapping with 'image', or a list of these"
_SOURCE_FORMS = "must be an image's reference, or a mapping with 'image'"

Entry = Annotated[
    Annotated[Words, Tag("(text)")] | Annotated[LongEntry, Tag("(table)")], _forms(_SOURCE_FORMS)
]
Source = Annotated[
    Annotated[Words, Tag("(text)")] | Annotated[LongSource, Tag("(table)")], _forms(_SOURCE_FORMS)
]
Entries = Annotated[
    Annotated[Words, Tag("(text)")]
    | Annotated[LongEntry, Tag("(table)")]
    | Annotated[list[Entry], Tag("(list)")],
    _forms(_ENTRY_FORMS),
]


class TargetShape(Shape):
    """One index: where it goes and what it is made of."""

    image: (
        Annotated[
            Annotated[Words, Tag("(text)")] | Annotated[list[Words], Tag("(list)")],
            _forms("must be a reference, or a list of references"),
        ]
        | None
    ) = Field(None, description="Where the index goes: a reference, or a list of them.")
    tags: list[Scalar] | None = Field(
        None, description="Tags of the index, beside the one in 'image'; latest if there is none."
    )
    platforms: (
        Annotated[
            Annotated[dict[Words, Entries], Tag("(table)")] | Annotated[list[Words], Tag("(list)")],
            _forms("must be a mapping of platforms to images, or a list of platforms"),
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
    manifests: list[ManifestShape] | None = Field(
        None, description="Images with their platforms, as manifest-tool writes them."
    )
    format: Format = Field(
        "auto",
        description="auto: a Docker list of Docker manifests, else an OCI index; oci or docker: "
        "that or an error.",
    )
    convert: Boolean = Field(
        default=False,
        description="true: images of another kind than 'format' names are converted to it; "
        "their layers stay as they are.",
    )
    annotations: dict[Words, Scalar] | None = Field(
        None, description="Annotations on the index (OCI only)."
    )
    attestations: AttestationPolicy = Field(
        "keep",
        description="What becomes of the provenance and SBOMs that buildx attached; require: "
        "every image must have some.",
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


def keys_of(shape: type[Shape]) -> Mapping[str, str]:
    """Give the keys that a mapping of this shape may have, each with its field's name."""
    return {str(field.validation_alias or name): name for name, field in shape.model_fields.items()}
