"""What verifying a reference came to: what was asked for, and all that is missing or wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mbuild.errors import MbuildError, SourceError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest

Kind = Literal["index", "manifest", "config", "layer"]
Reason = Literal["not-found", "wrong-size", "wrong-digest", "wrong-type", "malformed", "too-deep"]

AGAIN = "push again with --force, or copy it from where it is whole"


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a part is not what its descriptor says; `text` goes on after the part's name."""

    reason: Reason
    text: str
    hint: str = AGAIN


@dataclass(frozen=True, slots=True)
class Finding:
    """A part that is missing or wrong, and the platforms of the images that need it.

    An attestation's parts have `attestation of PLATFORM` there; those of an image that no
    index describes have nothing.
    """

    kind: Kind
    digest: Digest
    platforms: tuple[str, ...]
    flaw: Flaw

    def to_error(self, where: str) -> SourceError:
        """Give the error that the finding is; `where` is the reference that leads to it."""
        name = part_name(self.kind, self.digest, self.platforms)
        return SourceError(f"{name} {self.flaw.text}", where=where, hint=self.flaw.hint)


def part_name(kind: Kind, digest: Digest, platforms: tuple[str, ...]) -> str:
    """Name a part as messages do: `layer sha256:… of linux/amd64, linux/arm64`."""
    owners = f" of {', '.join(platforms)}" if platforms else ""
    return f"{kind} {digest}{owners}"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many distinct parts a reference leads to, and the bytes of its configs and layers.

    `manifests` are those that an index lists, nested indexes included, or the image itself.
    `foreign` layers were not asked for; `unknown` manifests are of types that were not
    looked into.
    """

    manifests: int = 0
    configs: int = 0
    layers: int = 0
    bytes: int = 0
    foreign: int = 0
    unknown: int = 0

    @property
    def parts(self) -> int:
        """Give how many parts were asked for."""
        return self.manifests + self.configs + self.layers


@dataclass(frozen=True, slots=True)
class Audit:
    """What verifying one reference came to.

    `name` is the reference as people write it, `image` its repository, `found` what it
    holds: None where that could not be had, and `errors` say why.
    """

    name: str
    image: str
    tag: str
    found: Descriptor | None = None
    images: int = 0
    attestations: int = 0
    counts: Counts = Counts()
    findings: tuple[Finding, ...] = ()
    errors: tuple[MbuildError, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Tell whether all that belongs to the reference answered, and was right."""
        return not self.findings and not self.errors

    @property
    def all_errors(self) -> tuple[MbuildError, ...]:
        """Give the findings as errors, then what could not be found out."""
        return (*(finding.to_error(self.name) for finding in self.findings), *self.errors)
