"""Which targets wait for others, and targets that wait for one another."""

import pytest

from mbuild.spec.dependencies import find_needs
from tests.spec.reading import codes, complaints, read

NEEDS = {
    "strangers": ("{image: 'a:1', sources: [x]}, {image: 'b:1', sources: [y]}", ((), ())),
    "in order": ("{image: 'a:1', sources: [x]}, {image: 'b:1', sources: ['a:1']}", ((), (0,))),
    "against the order": (
        "{image: 'a:1', sources: ['b:1', 'docker.io/library/b:1']}, {image: 'b:1', sources: [x]}",
        ((1,), ()),
    ),
    "another tag": ("{image: 'a:1', sources: [x]}, {image: 'b:1', sources: ['a:2']}", ((), ())),
    "the default tag": ("{image: a, sources: [x]}, {image: 'b:1', sources: [a]}", ((), (0,))),
    "by digest": (
        f"{{image: 'a:1', sources: [x]}}, {{image: 'b:1', sources: ['a:1@sha256:{'0' * 64}']}}",
        ((), ()),
    ),
    "its own tag": ("{image: 'a:1', sources: ['a:1']}", ((),)),
    "hosts in any case": (
        "{image: 'R.example/a:1', sources: [x]}, {image: 'b:1', sources: ['r.EXAMPLE/a:1']}",
        ((), (0,)),
    ),
    "a second repository and a second tag": (
        "{image: ['a:1', 'c'], tags: [z], sources: [x]}, {image: 'b:1', sources: ['c:z']}",
        ((), (0,)),
    ),
    "layouts by tag": (
        (
            "{image: 'oci:out:1', sources: [x]}, {image: 'oci:out:2', sources: [x]},"
            " {image: 'b:1', sources: ['oci:./out:2']}"
        ),
        ((), (), (1,)),
    ),
    "a layout without tag": (
        (
            "{image: 'oci:out:1', sources: [x]}, {image: 'oci:out:2', sources: [x]},"
            " {image: 'b:1', sources: ['oci:out']}"
        ),
        ((), (), (0, 1)),
    ),
    "a chain": (
        (
            "{image: 'a:1', sources: ['b:1']}, {image: 'b:1', sources: ['c:1']},"
            " {image: 'c:1', sources: [x]}"
        ),
        ((1,), (2,), ()),
    ),
}


@pytest.mark.parametrize(("images", "expected"), NEEDS.values(), ids=NEEDS)
def test_needs(images: str, expected: tuple[tuple[int, ...], ...]) -> None:
    """A target waits for each other target whose tag it names as a source, once."""
    assert find_needs(read(f"images: [{images}]").targets) == expected


LOOPS = {
    "two": (
        "images:\n- {image: 'a:1', sources: ['b:1']}\n- {image: 'b:1', sources: ['a:1']}",
        (
            "m.yaml:2:3: a:1 is made of b:1, which is made of a:1: none of them can be published "
            "first; take one of these sources out"
        ),
    ),
    "three, and one beside them": (
        (
            "images:\n- {image: 'x:1', sources: ['a:1']}\n- {image: 'a:1', sources: ['c:1']}\n"
            "- {image: 'b:1', sources: ['a:1']}\n- {image: 'c:1', sources: ['b:1', y]}"
        ),
        (
            "m.yaml:3:3: a:1 is made of c:1, which is made of b:1, which is made of a:1: none of them "
            "can be published first; take one of these sources out"
        ),
    ),
}


@pytest.mark.parametrize(("text", "expected"), LOOPS.values(), ids=LOOPS)
def test_loops(text: str, expected: str) -> None:
    """Targets that wait for one another are told as the chain they are, at the first of them."""
    assert complaints(text) == [expected]
    assert codes(text) == ["circular-targets"]


def test_a_loop_beside_other_problems() -> None:
    """A repository whose tags are all wrong does not stand in the way of telling a loop."""
    text = (
        "images:\n- {image: [z, 'a:1'], tags: ['!'], sources: ['b:1']}\n"
        "- {image: 'b:1', sources: ['a:1']}"
    )
    assert sorted(codes(text)) == ["bad-tag", "circular-targets"]
