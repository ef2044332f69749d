"""Options of `create`: what a spec would say of a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer


class Referrers(StrEnum):
    """What becomes of signatures, SBOMs and attestations that belong to the images."""

    LEAVE = "leave"
    COPY = "copy"


class Format(StrEnum):
    """Which kind of list is made, and what its images must be."""

    AUTO = "auto"
    OCI = "oci"
    DOCKER = "docker"


@dataclass(frozen=True, kw_only=True)
class ImageOptions:
    """What a spec would say of a target, as options of `create`."""

    tag: Annotated[
        list[str] | None,
        typer.Option(metavar="TAG", envvar="MBUILD_TAG", help="A further tag. Repeatable."),
    ] = None
    annotation: Annotated[
        list[str] | None,
        typer.Option(metavar="K=V", envvar="MBUILD_ANNOTATION", help="On the index. Repeatable."),
    ] = None
    platform: Annotated[
        list[str] | None,
        typer.Option(
            metavar="P",
            envvar="MBUILD_PLATFORM",
            help="The platform of the source in the same place. Repeatable.",
        ),
    ] = None
    referrers: Annotated[
        Referrers,
        typer.Option(
            envvar="MBUILD_REFERRERS",
            help="Whether signatures, SBOMs and attestations travel with the images.",
        ),
    ] = Referrers.LEAVE
    format: Annotated[
        Format,
        typer.Option("--format", envvar="MBUILD_FORMAT", help="The kind of list that is made."),
    ] = Format.AUTO
    convert: Annotated[
        bool | None,
        typer.Option(
            "--convert/--no-convert",
            envvar="MBUILD_CONVERT",
            help="Convert images that are not of the kind that --format names, or list them as "
            "they are; without it they are an error.",
            show_default=False,
        ),
    ] = None
    append: Annotated[
        bool,
        typer.Option(
            "--append",
            envvar="MBUILD_APPEND",
            help="Keep what TARGET's first tag holds; only images of the same platforms change.",
        ),
    ] = False

    @property
    def words(self) -> Mapping[str, str]:
        """Give the keys of a spec that hold one word."""
        said = {"format": self.format.value, "referrers": self.referrers.value}
        return said if self.convert is None else {**said, "convert": str(self.convert).lower()}
