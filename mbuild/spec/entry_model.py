"""The shapes of a spec's entries, and the words that all shapes are made of (pydantic)."""

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


def choice(*words: str) -> WithJsonSchema:
    """Give the schema of a text that is one of a few words, or a variable."""
    return WithJsonSchema({"anyOf": [{"enum": list(words)}, _VARIABLE]})


Trust = Annotated[spec.Trust, choice("config", "spec")]


_KINDS: Mapping[type, str] = {Text: "(text)", Table: "(table)", Items: "(list)"}


def _kind(value: object) -> str | None:
    """Tell the forms of a union apart; the words stand in the path of an error."""
    if isinstance(value, Table) and value.says("metadata"):
        return "(metadata)"
    return next((word for kind, word in _KINDS.items() if isinstance(value, kind)), None)


def forms(message: str) -> Discriminator:
    """Tell the members of a union apart by their forms; `message` says which there are."""
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


class EntryShape(Shape):
    """What an entry may say of its image, however the image is named."""

    annotations: dict[Words, Scalar] | None = Field(
        None, description="Annotations on this entry of the index (OCI only)."
    )
    optional: Boolean = Field(
        default=False,
        description="true: leave the entry out where the image does not exist (a true 404), or "
        "the metadata file.",
    )
    trust: Trust = Field(
        "config", description="Who wins where the spec's platform and the image's config differ."
    )


class NarrowedShape(Shape):
    """What narrows a platform that is given by what a config may leave unsaid."""

    os_version: Scalar | None = Field(None, validation_alias="os.version", description=_OS_VERSION)
    os_features: list[Words] | None = Field(
        None, validation_alias="os.features", description=_OS_FEATURES
    )


class LongSource(EntryShape):
    """One image, with more to say of it than its reference."""

    image: Words = Field(description="The image's reference, in a registry or an oci: layout.")


class LongEntry(LongSource, NarrowedShape):
    """One image of a platform that is given."""


class MetadataSource(EntryShape):
    """One image that was built, named by the metadata file its build wrote."""

    metadata: Words = Field(
        description="A file that docker buildx wrote with --metadata-file, or a glob of such files."
    )
    target: Words | None = Field(
        None, description="Which build is meant, where the file has several, as bake's has."
    )
    image: Words | None = Field(
        None, description="The repository of the image, where the file does not name it."
    )


class MetadataEntry(MetadataSource, NarrowedShape):
    """One image that was built, of a platform that is given."""


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


class PlacedShape(Shape):
    """What manifest-tool's form says of an image's platform."""

    platform: (
        Annotated[
            Annotated[Words, Tag("(text)")] | Annotated[PlatformShape, Tag("(table)")],
            forms("must be os/arch[/variant], or a mapping with 'os' and 'architecture'"),
        ]
        | None
    ) = Field(None, description="Its platform; from its config if left out.")


class ManifestShape(LongSource, PlacedShape):
    """One image with its platform, as manifest-tool writes it."""


class MetadataManifest(MetadataSource, PlacedShape):
    """One image that was built, with its platform."""


class DigestsShape(Shape):
    """Images of one repository, by a folder of files that are named by their digests."""

    dir: Words = Field(
        description="A folder whose files are named by digests, one an image, as builds that push "
        "by digest leave it."
    )
    image: Words | None = Field(
        None, description="The repository of the images; the target's own if left out."
    )


_ENTRY_FORMS = (
    "must be an image's reference, a mapping with 'image' or 'metadata', or a list of these"
)
_SOURCE_FORMS = "must be an image's reference, or a mapping with 'image' or 'metadata'"

Entry = Annotated[
    Annotated[Words, Tag("(text)")]
    | Annotated[LongEntry, Tag("(table)")]
    | Annotated[MetadataEntry, Tag("(metadata)")],
    forms(_SOURCE_FORMS),
]
Source = Annotated[
    Annotated[Words, Tag("(text)")]
    | Annotated[LongSource, Tag("(table)")]
    | Annotated[MetadataSource, Tag("(metadata)")],
    forms(_SOURCE_FORMS),
]
Entries = Annotated[
    Annotated[Words, Tag("(text)")]
    | Annotated[LongEntry, Tag("(table)")]
    | Annotated[MetadataEntry, Tag("(metadata)")]
    | Annotated[list[Entry], Tag("(list)")],
    forms(_ENTRY_FORMS),
]
Manifest = Annotated[
    Annotated[ManifestShape, Tag("(table)")] | Annotated[MetadataManifest, Tag("(metadata)")],
    forms("must be a mapping"),
]


def keys_of(shape: type[Shape]) -> Mapping[str, str]:
    """Give the keys that a mapping of this shape may have, each with its field's name."""
    return {str(field.validation_alias or name): name for name, field in shape.model_fields.items()}
