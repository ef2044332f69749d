"""Events to trees: aliases, merge keys, duplicates, depth and size."""

import tracemalloc

import pytest

from mbuild.spec import compose
from tests.spec.reading import complaints, read, read_target

BROKEN = {
    "duplicate key": (
        "image: a\nimage: b\nsources: [c]",
        "m.yaml:2:1: key 'image' stands twice in one mapping, first at m.yaml:1:1; take one out",
    ),
    "tag of Python": (
        "image: !!python/object:os.system a\nsources: [c]",
        (
            "m.yaml:1:8: tags such as '!!python/object:os.system' are not supported; "
            "write the value without it"
        ),
    ),
    "tag on a list": (
        "image: a\nsources: !mine [c]",
        "m.yaml:2:10: tags such as '!mine' are not supported; write the value without it",
    ),
    "unknown alias": ("image: *a", "m.yaml:1:8: no anchor '&a' comes before this alias"),
    "alias of an earlier document": (
        "image: &a b\nsources: [c]\n---\nimage: *a",
        "m.yaml:4:8: no anchor '&a' comes before this alias",
    ),
    "alias in its anchor": (
        "x-a: &a\n  - b\n  - *a\n",
        "m.yaml:3:5: the alias '*a' stands inside what it names",
    ),
    "merged text": (
        "image: a\nsources: [c]\nannotations:\n  <<: b\n",
        "m.yaml:4:3: '<<' takes a mapping, or a list of mappings",
    ),
    "list as key": (
        "? [a]\n: b",
        "m.yaml:1:3: a key must be text; if '{' or '[' begins a text here, put it in quotes",
    ),
    "template without quotes": (
        "image: {{ name }}",
        "m.yaml:1:9: a key must be text; if '{' or '[' begins a text here, put it in quotes",
    ),
    "list as key by alias": ("x-a: &a [b]\n*a : c", "m.yaml:2:1: a key must be text"),
    "escaped NUL": (
        'image: "a\\0"\nsources: [c]',
        "m.yaml:1:8: the character '\\x00' cannot be used in a spec; remove it",
    ),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_what_yaml_allows_and_a_spec_does_not(text: str, message: str) -> None:
    """A message about the hazard itself, at its place."""
    assert message in complaints(text)


@pytest.mark.parametrize(
    "text",
    ["1.10", "0755", "1e3", "on", "yes", "null-and-void", "0x1f", "1_000", "'~'", "!!str null"],
)
def test_a_scalar_keeps_the_text_it_is_written_with(text: str) -> None:
    """Nothing in a spec is a number, a boolean or a date."""
    target = read_target(f"image: app\nsources: [a]\nannotations: {{a: {text}}}")
    assert target.annotations == (("a", text.removeprefix("!!str ").strip("'")),)


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_nothing_is_a_key_that_was_not_written(text: str) -> None:
    """A key without a value has its default."""
    assert (
        read_target(f"image: app\nsources: [a]\nannotations: {text}\nformat: {text}").annotations
        == ()
    )


def test_keys_are_text_too() -> None:
    """Keys that other readers take for numbers, booleans or nothing stay as written."""
    target = read_target("image: app\nsources: [a]\nannotations: {1.10: a, on: b, ~: c, null: d}")
    assert target.annotations == (("1.10", "a"), ("null", "d"), ("on", "b"), ("~", "c"))


def test_aliases_and_merge_keys() -> None:
    """An alias is what it names; merged keys come first, and lose to written ones."""
    target = read_target("""\
        x-a: &one {a: "1", b: "1"}
        x-b: &two {b: "2", c: "2"}
        x-key: &key d
        x-ref: &ref app:a
        image: app
        sources: [*ref]
        annotations:
          a: "3"
          <<: [*one, *two]
          *key : "4"
        """)
    assert target.annotations == (("a", "3"), ("b", "1"), ("c", "2"), ("d", "4"))


def test_merged_entries_keep_the_order_of_what_they_are_merged_into() -> None:
    """A base of platforms, extended: the base comes first, as it is written first."""
    target = read_target("""\
        x-base: &base {linux/amd64: app:a, linux/arm64: app:b}
        image: app
        platforms: {<<: *base, linux/s390x: app:c}
        """)
    assert [str(entry.platform) for entry in target.entries] == [
        "linux/amd64",
        "linux/arm64",
        "linux/s390x",
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[" * 10_000_000, "1:101"),
        ("{a: " * 1_000_000, "1:401"),
        ("- " * 100_000, "1:201"),
        ("x-a: &a " + "[" * 60 + "]" * 60 + "\nx-b: " + "[" * 60 + "*a" + "]" * 60, "2:66"),
    ],
    ids=["lists", "mappings", "block lists", "by an alias"],
)
def test_depth_is_bounded(text: str, place: str) -> None:
    """Bottomless nesting ends in an error at the place that is too deep."""
    assert complaints(text) == [f"m.yaml:{place}: nested more than 100 deep"]


def test_the_deepest_tree_that_is_read() -> None:
    """A hundred collections in one another are allowed, through an alias too."""
    inner, outer = "[" * 50, "[" * 49
    text = f"x-a: &a {inner}b{inner.replace('[', ']')}\nx-b: {outer}*a{outer.replace('[', ']')}"
    assert read(f"image: app\nsources: [a]\n{text}").targets


def test_an_alias_bomb_ends_in_an_error_and_in_little_memory() -> None:
    """Nine lines that stand for a milliard values are never written out."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    tracemalloc.start()
    try:
        found = complaints("\n".join(lines))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == ["m.yaml:6:15: aliases stand for more than 250,000 values up to '*a4'"]
    assert peak < 20_000_000


def test_merge_keys_count_as_aliases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Merging is bounded like any other use of an alias."""
    monkeypatch.setattr(compose, "MOST_ALIASED", 5)
    text = "x-a: &a {a: b}\nx-b: {<<: [*a, *a, *a]}"
    assert complaints(text) == ["m.yaml:2:20: aliases stand for more than 5 values up to '*a'"]
