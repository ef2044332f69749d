"""A reference to an image in a registry, by Docker's grammar.

Sources: distribution/reference, regexp.go and normalize.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mbuild.oci.digest import Digest, parse_digest

DEFAULT_TAG = "latest"
HUB = "docker.io"
MAX_NAME_LENGTH = 255

_HUB_ALIASES = {"index.docker.io": HUB, "registry-1.docker.io": HUB}
_DOMAIN_PART = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(
    rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?", re.ASCII
)
_PATH_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_PATH_PART}(?:/{_PATH_PART})*", re.ASCII)
TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
"""A tag by the distribution-spec's grammar."""
_BARE_ID = re.compile(r"[a-f0-9]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reference:
    """An image in a registry: `domain/path[:tag][@digest]`, with Docker's defaults applied."""

    domain: str
    path: str
    tag: str = ""
    digest: Digest | None = None

    @property
    def repository(self) -> str:
        """Give `domain/path`, the name of what holds the image."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar(self) -> str:
        """Give the repository as people write it: no `docker.io/`, no `library/`.

        A path whose first part would be read as a host keeps its `docker.io/`.
        """
        first, _, rest = self.path.partition("/")
        if self.domain != HUB or _is_domain(first):
            return self.repository
        return rest if first == "library" and "/" not in rest else self.path

    def __str__(self) -> str:
        return with_tail(self.repository, self.tag, self.digest)

    def with_tag(self, tag: str) -> Reference:
        """Give the same repository at a tag, and no digest."""
        return replace(self, tag=tag, digest=None)


def with_tail(name: str, tag: str, digest: Digest | None) -> str:
    """Put tag and digest, where there are any, behind the name of what holds an image."""
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def is_domain(text: str) -> bool:
    """Tell whether `text` is a registry's `host[:port]`."""
    return bool(_DOMAIN.fullmatch(text))


def check_tag(tag: str) -> None:
    """Raise ValueError unless `tag` is a tag by the distribution-spec's grammar."""
    if not TAG.fullmatch(tag):
        raise ValueError(
            f"{tag!r} is not a tag: it may hold letters, digits, '_', '.' and '-', "
            "not start with '.' or '-', and be 128 characters long at most"
        )


def parse_reference(text: str) -> Reference:
    """Parse a registry reference; one with neither tag nor digest keeps both empty.

    `latest` is a default of its user, not of the grammar: see `with_default_tag`.
    Raises ValueError that shows the text and the rule it breaks.
    """
    if not text:
        raise ValueError("'' is not a reference: it is empty")
    if _BARE_ID.fullmatch(text):
        raise ValueError(f"{text!r} is not a reference: 64 hex digits alone could be an image ID")
    name, digest = _split_digest(text)
    name, tag = _split_tag(name)
    domain, path = _split_domain(name)
    _check_name(text, domain, path)
    domain = _HUB_ALIASES.get(domain, domain)
    if domain == HUB and "/" not in path:
        path = f"library/{path}"
    if len(path) > MAX_NAME_LENGTH:
        raise ValueError(
            f"{text!r} is not a reference: the repository name is longer than {MAX_NAME_LENGTH}"
        )
    if tag is not None:
        check_tag(tag)
    return Reference(domain, path, tag or "", digest)


def _split_digest(text: str) -> tuple[str, Digest | None]:
    name, at, digest = text.partition("@")
    return name, parse_digest(digest) if at else None


def _split_tag(name: str) -> tuple[str, str | None]:
    head, slash, last = name.rpartition("/")
    last, colon, tag = last.partition(":")
    return head + slash + last, tag if colon else None


def _split_domain(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    return (first, rest) if slash and _is_domain(first) else (HUB, name)


def _is_domain(first: str) -> bool:
    return first == "localhost" or bool({".", ":"} & {*first}) or first != first.lower()


def _check_name(text: str, domain: str, path: str) -> None:
    if not is_domain(domain):
        raise ValueError(f"{text!r} is not a reference: {domain!r} is not a registry's host[:port]")
    if not _PATH.fullmatch(path):
        if _PATH.fullmatch(path.lower()):
            raise ValueError(f"{text!r} is not a reference: the repository name must be lower case")
        raise ValueError(
            f"{text!r} is not a reference: {path!r} is not a repository name (lower-case letters "
            "and digits, single '.', '_' or '-' between them, '/' between parts)"
        )


def with_default_tag(reference: Reference) -> Reference:
    """Give the reference with tag `latest` if it has neither tag nor digest."""
    return reference if reference.tag or reference.digest else replace(reference, tag=DEFAULT_TAG)
