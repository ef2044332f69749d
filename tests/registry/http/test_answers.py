"""Answers say in one line who answered what."""

import json

import httpx
import pytest

from mbuild.errors import Denied, NotFound, ProtocolError, RegistryError
from mbuild.registry.http.answers import Answer, failure, parse_errors, printable


def answer(status: int, body: object = b"") -> Answer:
    """An answer of a registry."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, httpx.Headers(), raw, httpx.URL("https://reg.test:5000/v2/a?x=secret"))


def errors(*items: object) -> dict[str, object]:
    """A body with errors."""
    return {"errors": list(items)}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", ()),
        (b"<html>", ()),
        (b"[" * 100_000, ()),
        ([], ()),
        ({"errors": "x"}, ()),
        (errors("x", {"code": "DENIED"}), (("DENIED", ""),)),
        (errors({"message": "m"}), (("UNKNOWN", "m"),)),
        (errors({"code": "A", "message": "m", "detail": "d"}), (("A", "m d"),)),
        (errors({"code": "A", "message": "m", "detail": {"x": 1}}), (("A", "m"),)),
    ],
    ids=["empty", "html", "deep", "list", "text", "code", "no code", "detail", "object"],
)
def test_parse_errors(body: object, expected: tuple[tuple[str, str], ...]) -> None:
    """Codes and messages are read where they are, and nothing else fails."""
    assert parse_errors(answer(400, body).body) == expected


DISK = {"DriverName": "filesystem", "Enclosed": {"Op": "write", "Path": "/x", "Err": 28}}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (507, b"", True),
        (500, errors({"code": "UNKNOWN", "detail": DISK}), True),
        (500, errors({"code": "UNKNOWN", "detail": "filesystem: no space left on device"}), True),
        (500, b"Disk quota exceeded, or: disk quota exceeded", True),
        (500, errors({"code": "UNKNOWN", "detail": {"Enclosed": {"Err": 281}}}), False),
        (500, b"", False),
        (400, errors({"detail": DISK}), False),
    ],
    ids=["507", "number", "words", "quota", "other number", "500", "400"],
)
def test_is_full(status: int, body: object, expected: bool) -> None:  # of a table
    """A full disk is told from other failures, by its status or by distribution's words."""
    assert answer(status, body).is_full is expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (404, errors({"code": "A", "message": "m"}), "reg.test:5000 answered 404 Not Found (A: m)"),
        (
            400,
            errors(*({"code": f"E{number}"} for number in range(9))),
            "reg.test:5000 answered 400 Bad Request (E0; E1; E2)",
        ),
        (599, b"", "reg.test:5000 answered 599"),
        (
            500,
            errors({"code": "A", "message": "red\x1b[31m\nline"}),
            "reg.test:5000 answered 500 Internal Server Error (A: red\\x1b[31m line)",
        ),
    ],
    ids=["code", "many", "no phrase", "control"],
)
def test_describe(status: int, body: object, expected: str) -> None:
    """Host, status and the registry's own words stand in one bounded line."""
    assert answer(status, body).describe() == expected


PAGES = {
    "declared": ("Text/HTML; charset=utf-8", b"Sign in", True),
    "by its look": ("", b"\n <!doctype html>", True),
    "JSON": ("application/json", b'{"errors": []}', False),
    "nothing": ("", b"", False),
}


@pytest.mark.parametrize(("kind", "body", "is_page"), PAGES.values(), ids=PAGES)
def test_page_is_no_404(kind: str, body: bytes, is_page: bool) -> None:
    """A 404 that is a web page tells of a host that is no registry, not of an absent image."""
    given = Answer(404, httpx.Headers({"content-type": kind}), body, httpx.URL("https://reg.test"))
    error = failure(given, where="w", login_hint="log in")
    assert given.is_html is is_page
    if is_page:
        assert (type(error), error.exit_code) == (ProtocolError, 6)
        assert str(error) == (
            "w: reg.test answered 404 Not Found, as a web page; "
            "check that the name is that of a registry and of an image in it"
        )
    else:
        assert (type(error), str(error)) == (NotFound, "w: reg.test answered 404 Not Found")


def test_printable_is_bounded() -> None:
    """Long text is cut."""
    assert printable("x" * 500, 10) == "xxxxxxxxxx…"


@pytest.mark.parametrize(
    ("status", "kind", "hint"),
    [
        (401, Denied, "; log in"),
        (403, Denied, "; log in"),
        (404, NotFound, ""),
        (400, RegistryError, ""),
    ],
)
def test_failure(status: int, kind: type, hint: str) -> None:
    """The status decides what kind of error it is."""
    error = failure(answer(status), where="w", login_hint="log in")
    assert type(error) is kind
    assert str(error) == f"w: {answer(status).describe()}{hint}"


def with_headers(*headers: tuple[str, str]) -> Answer:
    """An answer to a request of a repository's tags."""
    url = httpx.URL("https://reg.test/v2/app/tags/list?n=2")
    return Answer(200, httpx.Headers(list(headers)), b"", url)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], set()),
        ([("OCI-Tag", "1.0")], {"1.0"}),
        ([("OCI-Tag", "1.0"), ("oci-tag", "latest")], {"1.0", "latest"}),
        ([("OCI-Tag", "1.0,latest , ")], {"1.0", "latest"}),
    ],
    ids=["none", "one", "repeated", "list"],
)
def test_tags(headers: list[tuple[str, str]], expected: set[str]) -> None:
    """OCI-Tag names tags in one header or in several."""
    assert with_headers(*headers).tags == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], ""),
        ([("Link", '</v2/app/tags/list?last=b>; rel="next"')], "/v2/app/tags/list?last=b"),
        ([("Link", "</v2/app/tags/list?last=b>;REL=next")], "/v2/app/tags/list?last=b"),
        ([("Link", '<?last=b>; title="x"; rel="next"')], "?last=b"),
        ([("Link", '< >; rel="next"')], ""),
        ([("Link", '</a>; rel="prev", </b>; rel="next"')], "/b"),
        ([("Link", '</a>; rel="prev"'), ("Link", '</b>; rel="next"')], "/b"),
        ([("Link", '</a>; rel="prev"')], ""),
        ([("Link", '</a>; rel="nextish"')], ""),
        ([("Link", "next")], ""),
    ],
)
def test_next_page(headers: list[tuple[str, str]], expected: str) -> None:
    """The page that follows is a Link with rel=next, as it is written."""
    assert with_headers(*headers).next_page == expected
