"""What a 401 asks for: the challenges of WWW-Authenticate, truly parsed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(
    rf'\s*({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"=][^\s,"]*))', re.DOTALL
)
_SCHEME = re.compile(rf"\s*({_WORD})(?=\s|,|$)")
_TOKEN68 = re.compile(r"\s+([A-Za-z0-9._~+/-]+=*)\s*(?=,|$)")
_COMMAS = re.compile(r"[\s,]*")
_NOT_COMMA = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^,])+', re.DOTALL)

PREFERRED = ("bearer", "basic")


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge (RFC 9110, 11.3): scheme and parameter names in lower case.

    `parameters` is pairs in their order; a token68 stands under the empty name.
    """

    scheme: str
    parameters: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        """Give a parameter's value, or empty text."""
        return dict(self.parameters).get(name, "")


def parse_challenges(lines: Iterable[str]) -> tuple[Challenge, ...]:
    """Parse the WWW-Authenticate lines of one answer; what cannot be read is left out."""
    return tuple(challenge for line in lines for challenge in _parse_line(line))


def choose_challenge(challenges: Iterable[Challenge]) -> Challenge | None:
    """Give the challenge to answer: Bearer before Basic, None where there is neither.

    A Bearer challenge without realm cannot be answered.
    """
    able = [one for one in challenges if one.scheme != "bearer" or one.get("realm")]
    for scheme in PREFERRED:
        for challenge in able:
            if challenge.scheme == scheme:
                return challenge
    return None


def _parse_line(line: str) -> Iterator[Challenge]:
    position = _skip(_COMMAS, line, 0)
    while position < len(line):
        scheme = _SCHEME.match(line, position)
        if scheme is None:
            position = _skip(_COMMAS, line, _skip(_NOT_COMMA, line, position))
            continue
        parameters, position = _parse_parameters(line, scheme.end())
        yield Challenge(scheme[1].lower(), parameters)


def _parse_parameters(line: str, position: int) -> tuple[tuple[tuple[str, str], ...], int]:
    """Read the parameters from `position`; give them, and where the next challenge begins."""
    pairs: list[tuple[str, str]] = []
    token68 = _TOKEN68.match(line, position)
    if token68 and not _PARAMETER.match(line, position):
        return (("", token68[1]),), _skip(_COMMAS, line, token68.end())
    while match := _PARAMETER.match(line, position):
        name, quoted, bare = match.groups()
        pairs.append((name.lower(), re.sub(r"\\(.)", r"\1", quoted) if bare is None else bare))
        position = _skip(_COMMAS, line, match.end())
    return tuple(pairs), _skip(_COMMAS, line, position)


def _skip(pattern: re.Pattern[str], line: str, position: int) -> int:
    match = pattern.match(line, position)
    return match.end() if match else position
