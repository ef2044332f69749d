"""WWW-Authenticate is parsed, not split at commas."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbuild.registry.login.challenge import Challenge, choose_challenge, parse_challenges

REALM = ("realm", "https://auth.test/token")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], ()),
        ([""], ()),
        (
            ['Bearer realm="https://auth.test/token",service="s",scope="repository:a/b:pull,push"'],
            (Challenge("bearer", (REALM, ("service", "s"), ("scope", "repository:a/b:pull,push"))),),
        ),
        (
            ['Basic realm="a, \\"b\\"", Bearer realm="https://auth.test/token"'],
            (Challenge("basic", (("realm", 'a, "b"'),)), Challenge("bearer", (REALM,))),
        ),
        (
            ['BASIC REALM=simple', "Negotiate"],
            (Challenge("basic", (("realm", "simple"),)), Challenge("negotiate")),
        ),
        (
            ["Negotiate, Basic realm=x"],
            (Challenge("negotiate"), Challenge("basic", (("realm", "x"),))),
        ),
        (
            ["NTLM TlRMTVNT==, Basic realm=x"],
            (Challenge("ntlm", (("", "TlRMTVNT=="),)), Challenge("basic", (("realm", "x"),))),
        ),
        (
            ['Bearer realm = "https://auth.test/token" ,, service = s ,'],
            (Challenge("bearer", (REALM, ("service", "s"))),),
        ),
        (["Bearer realm=https://auth.test/token"], (Challenge("bearer", (REALM,)),)),
        (['"nonsense", Basic realm=x'], (Challenge("basic", (("realm", "x"),)),)),
        (['@@@'], ()),
    ],
    ids=[
        "none", "empty", "commas in quotes", "two in a line", "two lines", "bare first", "token68",
        "spaces", "unquoted", "nonsense first", "only nonsense",
    ],
)  # fmt: skip
def test_parse_challenges(lines: list[str], expected: tuple[Challenge, ...]) -> None:
    """Schemes and parameters are found wherever they stand."""
    assert parse_challenges(lines) == expected


@given(st.lists(st.text(max_size=60), max_size=3))
def test_parse_challenges_never_fails(lines: list[str]) -> None:
    """Whatever a server sends gives challenges or nothing."""
    assert all(challenge.scheme for challenge in parse_challenges(lines))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (['Basic realm="x"', 'Bearer realm="y"'], "bearer"),
        (["Negotiate", 'Basic realm="x"'], "basic"),
        (['Bearer service="s"', "Basic"], "basic"),
        (["Negotiate"], ""),
    ],
    ids=["bearer first", "basic", "no realm", "neither"],
)
def test_choose_challenge(lines: list[str], expected: str) -> None:
    """Bearer is preferred, and must have a realm."""
    chosen = choose_challenge(parse_challenges(lines))
    assert (chosen.scheme if chosen else "") == expected
