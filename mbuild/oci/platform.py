"""A platform: operating system, architecture and what narrows them, with containerd's rules.

Two questions are asked of platforms. `equals`: could a client tell them apart? `satisfies`:
does what an image says of itself fit what the spec says of it?
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mbuild.oci.fields import optional_text, optional_texts

KNOWN_OS = frozenset(
    "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 "
    "solaris wasi wasip1 windows zos".split()
)
KNOWN_ARCHITECTURES = frozenset(
    "386 amd64 amd64p32 arm armbe arm64 arm64be loong64 mips mips64 mips64le mips64p32 mips64p32le "
    "mipsle ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm wasm32".split()
)
_OS_ALIASES = {"macos": "darwin"}
_ARCHITECTURE_ALIASES: Mapping[str, tuple[str, str | None]] = {
    "i386": ("386", ""),
    "x86_64": ("amd64", None),
    "x86-64": ("amd64", None),
    "aarch64": ("arm64", None),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
ARCHITECTURE_NAMES = KNOWN_ARCHITECTURES | _ARCHITECTURE_ALIASES.keys()
OS_NAMES = KNOWN_OS | _OS_ALIASES.keys()
_ARM64_VARIANTS = {"8": "", "v8": "", "v8.0": "", "9": "v9", "9.0": "v9", "v9.0": "v9"}
_ARM_VARIANTS = {"": "v7", "5": "v5", "6": "v6", "7": "v7", "8": "v8"}

_NUMBERED = {"amd64", "arm", "arm64"}
_NUMBERED_VARIANT = re.compile(r"v?[0-9]+(?:\.[0-9]+)?")
_NAMED_VARIANT = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_TEXT = re.compile(
    r"(?P<os>[^/():\s]+)(?:\((?P<inner>[^/():+\s]*)(?P<features>(?:\+[^/():+\s]+)*)\))?"
    r"/(?P<architecture>[^/():\s]+)(?:/(?P<variant>[^/():\s]+))?(?::(?P<outer>[^/():+\s]+))?"
)


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform as in image-spec, image-index.md, "platform"; empty text is "not said"."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Give `os/arch[/variant][:os.version]`, which `parse_platform` reads back.

        os.features have no place in it; a platform without OS and architecture is "unknown".
        """
        parts = (self.os, self.architecture, self.variant)
        name = "/".join(part for part in parts if part) or "unknown"
        return f"{name}:{self.os_version}" if self.os_version else name

    @property
    def is_unknown(self) -> bool:
        """Tell whether this is the `unknown/unknown` that attestations carry."""
        return self.os == "unknown" and self.architecture == "unknown"

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON object, its keys in the order of the specification, empty ones left out."""
        pairs = {
            "architecture": self.architecture,
            "os": self.os,
            "os.version": self.os_version,
            "os.features": list(self.os_features),
            "variant": self.variant,
        }
        return {
            key: value for key, value in pairs.items() if value or key in {"architecture", "os"}
        }


def parse_platform(text: str) -> Platform:
    """Parse `os/arch[/variant][:os.version]`; aliases of OS and architecture are resolved.

    The variant stays as written (`arm64/v8` keeps its `v8`; only `normalise` folds it).
    containerd's form `os(os.version+feature)/arch[/variant]` is understood too. Raises
    ValueError, whose second argument is the part that is not known, if any.
    """
    found = _TEXT.fullmatch(text)
    if not found or (found["inner"] and found["outer"]):
        raise ValueError(f"{text!r} is not a platform: write it os/arch[/variant][:os.version]")
    return make_platform(
        found["os"],
        found["architecture"],
        found["variant"] or "",
        os_version=found["inner"] or found["outer"] or "",
        os_features=(found["features"] or "").split("+")[1:],
    )


def make_platform(
    os: str,
    architecture: str,
    variant: str = "",
    *,
    os_version: str = "",
    os_features: Sequence[str] = (),
) -> Platform:
    """Make a platform of a known OS and architecture, lower-cased, aliases resolved.

    Raises ValueError for an OS, an architecture or a variant that nothing runs, and for a
    variant beside an alias that means another one (`armhf/v6`).
    """
    os, written, variant = _os(os), architecture.lower(), variant.lower()
    architecture, implied = _ARCHITECTURE_ALIASES.get(written, (written, None))
    if os not in KNOWN_OS:
        raise ValueError(f"{os!r} is not a known operating system", os, "os")
    if architecture not in KNOWN_ARCHITECTURES:
        raise ValueError(
            f"{architecture!r} is not a known architecture", architecture, "architecture"
        )
    check_variant(architecture, variant)
    if implied is not None and variant not in {"", implied}:
        name = f"{architecture}/{implied}".removesuffix("/")
        raise ValueError(f"{written!r} means {name}, not variant {variant!r}: write {architecture}")
    return Platform(os, architecture, variant or implied or "", os_version, tuple(os_features))


def _os(name: str) -> str:
    lower = name.lower()
    return _OS_ALIASES.get(lower, lower)


def check_variant(architecture: str, variant: str) -> None:
    """Raise ValueError for a variant that no image of this architecture can have.

    Those of amd64, arm and arm64 are numbers (v3, v7, v8.1); others are whatever their
    toolchains call them (rva22u64, power9, z13, softfloat).
    """
    shape = _NUMBERED_VARIANT if architecture in _NUMBERED else _NAMED_VARIANT
    if variant and not shape.fullmatch(variant):
        example = {"amd64": "v3", "arm": "v7", "arm64": "v8"}.get(architecture, "rva22u64")
        raise ValueError(f"{variant!r} is not a variant of {architecture}: write it like {example}")


def normalise(platform: Platform) -> Platform:
    """Fold what clients do not tell apart, as containerd's platforms.Normalize does.

    Lower case; aliases; `arm` is `arm/v7`, `arm64/v8` is `arm64`, `amd64/v1` is `amd64`;
    os.features sorted and freed of duplicates.
    """
    known = without_aliases(platform)
    return replace(
        known,
        variant=_normal_variant(known.architecture, known.variant),
        os_features=tuple(sorted(set(known.os_features))),
    )


def without_aliases(platform: Platform) -> Platform:
    """Write OS, architecture and variant in Go's words (`armhf` is `arm/v7`), and fold nothing."""
    written = platform.architecture.lower()
    architecture, implied = _ARCHITECTURE_ALIASES.get(written, (written, None))
    variant = platform.variant.lower() if implied is None else implied
    return replace(platform, os=_os(platform.os), architecture=architecture, variant=variant)


def _normal_variant(architecture: str, variant: str) -> str:
    if architecture == "amd64":
        return "" if variant == "v1" else variant
    if architecture == "arm64":
        return _ARM64_VARIANTS.get(variant, variant)
    if architecture == "arm":
        return _ARM_VARIANTS.get(variant, variant)
    return variant


def equals(one: Platform, other: Platform) -> bool:
    """Tell whether no client could tell the two apart (os.version and os.features count)."""
    return normalise(one) == normalise(other)


def contradictions(said: Platform, found: Platform) -> tuple[str, ...]:
    """Name each field in which an image says another thing than the spec does.

    `said` is the spec's platform, `found` the config's. What either leaves empty
    contradicts nothing; variants are compared after normalising.
    """
    said, found = without_aliases(said), without_aliases(found)
    left, right = normalise(said), normalise(found)
    fields = []
    if found.os and left.os != right.os:
        fields.append("os")
    if found.architecture and left.architecture != right.architecture:
        fields.append("architecture")
    elif said.variant and found.variant and left.variant != right.variant:
        fields.append("variant")
    if said.os_version and found.os_version and said.os_version != found.os_version:
        fields.append("os.version")
    return tuple(fields)


def satisfies(offered: Platform, wanted: Platform) -> bool:
    """Tell whether an entry for `offered` is what was `wanted`.

    OS, architecture and variant are equal after normalising; os.version and os.features
    count only as far as `wanted` says them.
    """
    left, right = normalise(offered), normalise(wanted)
    return (
        (left.os, left.architecture, left.variant) == (right.os, right.architecture, right.variant)
        and wanted.os_version in {"", offered.os_version}
        and set(right.os_features) <= set(left.os_features)
    )


def complete(said: Platform, found: Platform) -> Platform:
    """Fill what the spec leaves unsaid from the config: variant, os.version, os.features."""
    return replace(
        said,
        variant=said.variant or found.variant,
        os_version=said.os_version or found.os_version,
        os_features=said.os_features or found.os_features,
    )


def platform_from(data: Mapping[str, Any]) -> Platform:
    """Read the JSON object of an index entry, or the same fields of an image config.

    What is there is kept as it stands, and what is absent is empty text: artifact tools
    write entries with an empty OS. Raises ValueError where a field has a wrong type.
    """
    return Platform(
        os=optional_text(data, "os"),
        architecture=optional_text(data, "architecture"),
        variant=optional_text(data, "variant"),
        os_version=optional_text(data, "os.version"),
        os_features=optional_texts(data, "os.features"),
    )
