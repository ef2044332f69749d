"""Variables in the values of a spec."""

import pytest

from mbuild.spec import interpolate
from tests.spec.reading import complaints, read_target

VARIABLES = {"V": "1.4", "EMPTY": "", "NUL": "a\0", "BYTES": "a\udcff", "DOLLAR": "${V}"}
FORMS = "write ${NAME}, ${NAME:-default} or ${NAME:?message}, and $$ for a plain '$'"

REPLACED = {
    "none": ("a", "a"),
    "whole": ("${V}", "1.4"),
    "inside": ("a-${V}-b", "a-1.4-b"),
    "twice": ("${V}${V}", "1.41.4"),
    "empty": ("a${EMPTY}", "a"),
    "default unused": ("${V:-x}", "1.4"),
    "default for unset": ("${NONE:-x}", "x"),
    "default for empty": ("${EMPTY:-x}", "x"),
    "empty default": ("a${NONE:-}", "a"),
    "default with text": ("${NONE:-a:b/c $d}", "a:b/c $d"),
    "default with variable": ("${NONE:-a${V}b}", "a1.4b"),
    "default in default": ("${NONE:-${NONE:-x}}y", "xy"),
    "unused default is not evaluated": ("${V:-${NONE}}", "1.4"),
    "message unused": ("${V:?say}", "1.4"),
    "dollars": ("$$", "$"),
    "escaped": ("$${V}", "${V}"),
    "escaped in default": ("${NONE:-$$}", "$"),
    "alone": ("$", "$"),
    "name without braces": ("$V", "$V"),
    "brace": ("a}b", "a}b"),
    "not replaced again": ("${DOLLAR}", "${V}"),
}


@pytest.mark.parametrize(("text", "value"), REPLACED.values(), ids=REPLACED)
def test_variables_are_replaced(text: str, value: str) -> None:
    """Compose's rules: `:-` and `:?` take an empty variable for an unset one."""
    target = read_target(f"image: app\nsources: [a]\nannotations: {{a: '{text}'}}", **VARIABLES)
    assert target.annotations == (("a", value),)


BROKEN = {
    "unset": (
        "${NONE}",
        (
            "variable 'NONE' is not set; give it with --set NONE=…, in the environment, "
            "or as ${NONE:-default}"
        ),
    ),
    "unset in a default": (
        "${EMPTY:-${NONE}}",
        (
            "variable 'NONE' is not set; give it with --set NONE=…, in the environment, "
            "or as ${NONE:-default}"
        ),
    ),
    "message": ("${NONE:?set it}", "variable 'NONE' is not set: 'set it'"),
    "message of empty": ("${EMPTY:?set it to ${V}}", "variable 'EMPTY' is empty: 'set it to 1.4'"),
    "no message": (
        "${EMPTY:?}",
        (
            "variable 'EMPTY' is empty; give it with --set EMPTY=…, in the environment, "
            "or as ${EMPTY:-default}"
        ),
    ),
    "no name": ("${}", f"'${{}}' is no variable; {FORMS}"),
    "number": ("${1}", f"'${{1}}' is no variable; {FORMS}"),
    "dash": ("${V-x}", f"'${{V-x}}' is no variable; {FORMS}"),
    "not closed": ("${V", f"'${{V' is no variable; {FORMS}"),
    "default not closed": ("a${NONE:-b", f"'${{' is never closed in 'a${{NONE:-b'; {FORMS}"),
    "spaces": ("${ V }", f"'${{ V }}' is no variable; {FORMS}"),
    "deep": ("${NONE:-" * 11 + "}" * 11, "defaults stand more than 10 deep in one another"),
    "NUL": ("${NUL}", "a variable brings in the character '\\x00'; it cannot be used here"),
    "not UTF-8": (
        "${BYTES}",
        "a variable brings in the character '\\udcff'; it cannot be used here",
    ),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_wrong_variables_are_told_at_their_value(text: str, message: str) -> None:
    """An unset or malformed variable is a problem of the line it stands in."""
    spec = f"image: app\nsources: [a]\nannotations:\n  a: '{text}'\n"
    assert complaints(spec, **VARIABLES) == [f"m.yaml:4:6: {message}"]


@pytest.mark.parametrize(
    "text",
    [
        "image: app:${NONE}\nsources: [a]",
        "image: app:1\nsources: ['${NONE}']",
        "image: app:1\nplatforms: {linux/amd64: {image: a, optional: '${NONE}'}}",
        "image: app:1\nsources: [a]\nrequire: ['${NONE}']",
    ],
    ids=["image", "source", "boolean", "platform"],
)
def test_an_unset_variable_is_told_once(text: str) -> None:
    """What a text without its variable would be is no further problem."""
    [line] = complaints(text)
    assert line.partition(": ")[2] == BROKEN["unset"][1]


def test_keys_are_left_alone() -> None:
    """Only values are replaced: a key keeps its text."""
    target = read_target("image: app\nsources: [a]\nannotations: {'${V}': '${V}'}", **VARIABLES)
    assert target.annotations == (("${V}", "1.4"),)


def test_what_an_alias_names_is_replaced_once() -> None:
    """A variable that is not set is one problem, however often it is used."""
    found = complaints("image: app\nsources: [a]\nx-a: &a ['${NONE}']\nx-b: [*a, *a]")
    assert len(found) == 1


def test_a_value_is_no_yaml() -> None:
    """A variable's text becomes text, never a key, a list or nothing."""
    target = read_target(
        "image: app\nsources: [a]\nannotations: {a: '$${', b: '${V}'}", V="[x, null]"
    )
    assert target.annotations == (("a", "${"), ("b", "[x, null]"))


def test_what_variables_bring_in_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long variable used often does not fill the memory."""
    monkeypatch.setattr(interpolate, "MOST_CHARACTERS", 25)
    text = "image: app\nsources: [a]\nannotations: {a: '${V}', b: '${V}', c: '${V}'}"
    assert complaints(text, V="x" * 10) == [
        "m.yaml:3:40: variables make more than 25 characters of this"
    ]
