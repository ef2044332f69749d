"""How the tests of spec/ read a spec: from a text, to a Spec or to the lines of its messages."""

from __future__ import annotations

from textwrap import dedent

import pytest

from mbuild.errors import SpecError
from mbuild.spec.parse import SpecText, parse_spec
from mbuild.spec.spec import Entry, Spec, Target


def read(text: str | bytes, folder: str = "", **variables: str) -> Spec:
    """The Spec of one file called `m.yaml`."""
    content = text if isinstance(text, bytes) else dedent(text).encode()
    return parse_spec([SpecText("m.yaml", content, folder)], variables=variables)


def read_target(text: str, folder: str = "", **variables: str) -> Target:
    """The only target of a spec."""
    [target] = read(text, folder, **variables).targets
    return target


def read_entries(text: str, **variables: str) -> tuple[Entry, ...]:
    """The entries of a spec's only target, which goes to `app:1`."""
    return read_target("image: app:1\n" + dedent(text), **variables).entries


def complaints(text: str | bytes, **variables: str) -> list[str]:
    """The lines that a wrong spec is answered with."""
    with pytest.raises(SpecError) as caught:
        read(text, **variables)
    return str(caught.value).splitlines()


def codes(text: str | bytes, **variables: str) -> list[str]:
    """The codes of the problems of a wrong spec."""
    with pytest.raises(SpecError) as caught:
        read(text, **variables)
    return [problem.code for problem in caught.value.problems]
