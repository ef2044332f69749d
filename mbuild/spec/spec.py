"""The values a spec file becomes: targets, each with its destinations and its entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mbuild.errors import MbuildError
from mbuild.oci.descriptor import ZSTD, Annotations, Descriptor
from mbuild.oci.platform import Platform
from mbuild.oci.reference import AnyReference

Format = Literal["auto", "oci", "docker"]
AttestationPolicy = Literal["keep", "strip", "require"]
ReferrerPolicy = Literal["leave", "copy"]
Trust = Literal["config", "spec"]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a spec: the file as it was named, line and column from 1."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Pin:
    """What a lock says that a reference names: a manifest, or None for nothing at all."""

    descriptor: Descriptor | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One image that goes into the index.

    `platform` is what the spec says, None where it is left to the image's config. `trust`
    says who wins where the two contradict each other; `optional` forgives a true 404. With a
    `pin` the reference is only a name: what is pinned is taken, by its digest. `absent` is the
    file that would have named the image, where it does not exist and the entry is optional;
    then `reference` is no more than a repository.
    """

    reference: AnyReference
    position: Position
    platform: Platform | None = None
    annotations: Annotations = ()
    optional: bool = False
    trust: Trust = "config"
    pin: Pin | None = None
    absent: str = ""

    @property
    def is_zstd(self) -> bool:
        """Tell whether the spec marks it as the zstd twin of another entry."""
        return dict(self.annotations).get(ZSTD) == "true"


@dataclass(frozen=True, slots=True)
class Metadata:
    """Images that are named by files their builds wrote, each of them an entry to be.

    `file` is a path, or with `is_glob` a pattern of paths. `target` says which build of a file
    is meant, empty where it has only one; `repository` where the image is, None where the file
    says it. The rest is what the spec says of the entries, as in `Entry`.
    """

    file: str
    position: Position
    is_glob: bool = False
    target: str = ""
    repository: AnyReference | None = None
    platform: Platform | None = None
    annotations: Annotations = ()
    optional: bool = False
    trust: Trust = "config"


@dataclass(frozen=True, slots=True)
class Digests:
    """Images of one repository whose digests are the names of the files in a folder."""

    folder: str
    repository: AnyReference
    position: Position


Record = Metadata | Digests
"""What builds have noted of their images, and is still to be read."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A repository (a reference with neither tag nor digest) and the tags it gets, in order."""

    repository: AnyReference
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """One index, where it goes and what it is made of; entries in the order of the spec.

    Images that are not of the kind that `format` names are made so with `convert`, and listed as
    they are where it is False; where it is None they are an error. `referrers`
    says whether what belongs to the images travels with them.
    A record stands beside the number of the entries before it. When all are read there are
    none any more, and `faults` are the errors of those that could not be.

    It starts from the index or image that `base` names, if any, without the platforms to
    `remove`; entries of the same platforms take the place of the base's.
    """

    destinations: tuple[Destination, ...]
    entries: tuple[Entry, ...]
    position: Position
    format: Format = "auto"
    annotations: Annotations = ()
    attestations: AttestationPolicy = "keep"
    require: tuple[Platform, ...] = ()
    convert: bool | None = None
    referrers: ReferrerPolicy = "leave"
    records: tuple[tuple[int, Record], ...] = ()
    faults: tuple[MbuildError, ...] = ()
    base: Entry | None = None
    remove: tuple[Platform, ...] = ()
    child_tags: str = ""

    @property
    def sources(self) -> tuple[Entry, ...]:
        """Give all that the target is made of: its base, if any, then its entries."""
        return (self.base, *self.entries) if self.base else self.entries


@dataclass(frozen=True, slots=True)
class Spec:
    """All targets of a run, in the order of files, documents and `images:`."""

    targets: tuple[Target, ...]
