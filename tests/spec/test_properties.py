"""Never anything but a Spec or a SpecError, whatever the bytes."""

import contextlib
import json

from hypothesis import example, given
from hypothesis import strategies as st

from mbuild.errors import Failures, SpecError, UsageError
from mbuild.oci.reference import parse_any_reference
from mbuild.spec.make import make_target
from mbuild.spec.parse import SpecText, parse_spec
from tests.spec import test_entries, test_structure
from tests.spec.reading import read_target

SEEDS = ["image: app:1\n" + case[0] for case in test_entries.FORMS.values()] + [
    case[0] for case in test_structure.BROKEN.values()
]
WORDS = (
    "image tags platforms source sources manifests platform images annotations optional trust "
    "format require os.version os.features linux/amd64 windows/amd64:10.0 app:{arch} ${V} ${W:-x} "
    "${ $$ oci:a *a &a << !!str ~ null true 'x \"y - ? : , [ ] { } | > # % @ ` \\ --- ..."
)
BREAKS = "\n,\n  ,\n- ,: , ,\t,\r,\0,\ufeff,\x85,\u2028,\U0010ffff,ä"
PIECES = st.sampled_from([*WORDS.split(), *BREAKS.split(",")])
TEXTS = st.text(
    # No line breaks of YAML's, which fold, and none of the few characters it has no place for.
    st.characters(
        exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufeff\ufffe\uffff"
    ),
    min_size=1,
)
VARIABLES = st.dictionaries(st.sampled_from(["V", "W"]), st.text(max_size=5), max_size=2)


def judge(content: bytes, variables: dict[str, str]) -> None:
    """Parse; a SpecError has at least one problem, and each stands on one line."""
    found: SpecError | None = None
    try:
        parse_spec([SpecText("m.yaml", content, "folder")], variables=variables)
    except SpecError as error:
        found = error
    if found:
        assert len(str(found).splitlines()) == len(found.problems) >= 1
        assert all(problem.message and problem.code for problem in found.problems)


@given(st.binary(max_size=200))
@example(b"\xff\xfe")
@example(b"? ")
@example(b"!<")
@example(b"&a")
def test_any_bytes(content: bytes) -> None:
    """Bytes that are mostly no YAML at all."""
    judge(content, {})


@given(st.lists(PIECES, max_size=30).map("".join), VARIABLES)
@example("image: *a", {})
@example("<<: {<<: ~}", {})
@example("images: [{}]\nplatforms: ", {})
def test_any_words_of_a_spec(text: str, variables: dict[str, str]) -> None:
    """Words and signs that mean something, in any order."""
    judge(text.encode(), variables)


@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 10), PIECES), max_size=4),
    VARIABLES,
)
def test_mutated_specs(
    text: str, changes: list[tuple[int, int, str]], variables: dict[str, str]
) -> None:
    """Specs that were right, or nearly, and had pieces replaced."""
    for at, length, piece in changes:
        text = text[:at] + piece + text[at + length :]
    judge(text.encode(), variables)


@given(
    st.recursive(
        st.text(max_size=8) | st.sampled_from(["app:1", "linux/amd64", "", "true"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(sorted(test_structure.KEYS)) | st.text(max_size=4),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_any_tree(tree: object) -> None:
    """Every shape of lists and mappings, under keys that are known and others."""
    judge(json.dumps(tree).encode(), {})


@given(st.lists(st.text(max_size=10), max_size=3), st.lists(st.text(max_size=10), max_size=3))
def test_any_arguments(sources: list[str], platforms: list[str]) -> None:
    """`create` ends in a Spec or a usage error."""
    with contextlib.suppress(UsageError, Failures):
        made = make_target(target="app", sources=sources, platforms=platforms)
        assert len(made.targets[0].entries) >= 1


@given(TEXTS)
def test_a_quoted_text_arrives_as_it_was(value: str) -> None:
    """What is written into an annotation is what the index gets."""
    text = f"image: app\nsources: [a]\nannotations: {{a: {json.dumps(value.replace('$', '$$'), ensure_ascii=False)}}}"
    assert read_target(text).annotations == (("a", value),)


@given(st.from_regex(r"[a-z]{1,8}(/[a-z0-9]{1,8}){0,2}(:[a-z0-9]{1,5})?", fullmatch=True))
def test_a_source_is_the_reference_it_says(text: str) -> None:
    """The spec adds `latest`, and nothing else, to a registry reference."""
    [entry] = read_target(f"image: app\nsources: ['{text}']").entries
    expected = parse_any_reference(text)
    assert entry.reference == expected or (
        not expected.tag and entry.reference == expected.with_tag("latest")
    )
