"""Problems: gathered, ordered, bounded, shown."""

import pytest

from mbuild.errors import SpecError
from mbuild.spec.problems import MOST_PROBLEMS, Problems, did_you_mean, show
from mbuild.spec.spec import Position
from mbuild.spec.tree import Text
from tests.spec.reading import complaints


def test_problems_come_in_the_order_of_the_spec() -> None:
    """By file as files came, then by line and column as numbers; each once."""
    problems = Problems()
    for position in (
        Position("b", 10, 1),
        Position("a", 1, 1),
        Position("b", 9, 2),
        Position("b", 9, 2),
        Position("b"),
    ):
        problems.add(position, "x", "code")
    with pytest.raises(SpecError) as caught, problems.raised():
        pass
    assert [problem.where for problem in caught.value.problems] == ["b", "b:9:2", "b:10:1", "a:1:1"]


def test_what_could_not_be_made_out_is_told_once() -> None:
    """No more is told of what stands there; all other places are told of."""
    problems = Problems()
    problems.add_unread(Position("m.yaml", 1, 1), "not set", "variable")
    problems.add(Position("m.yaml", 1, 1), "not a tag", "tag")
    problems.add(Position("m.yaml", 1, 2), "not a tag", "tag")
    with pytest.raises(SpecError) as caught, problems.raised():
        pass
    assert str(caught.value).splitlines() == ["m.yaml:1:1: not set", "m.yaml:1:2: not a tag"]


def test_no_problem_is_no_error() -> None:
    """A block without problems is left as it is."""
    with Problems().raised():
        pass


def test_more_problems_than_anyone_reads() -> None:
    """The first thousand are shown, and that there are more."""
    found = complaints("\n".join(f"z{i}: a" for i in range(MOST_PROBLEMS + 100)))
    assert len(found) == MOST_PROBLEMS + 1
    assert found[-1] == "m.yaml: more than 1000 problems; the rest is not shown"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a", "'a'"), ("a\n\x1b'", '"a\\n\\x1b\'"'), ("a" * 201, f"'{'a' * 200}'…")],
)
def test_what_a_user_wrote_is_shown_on_one_line(text: str, shown: str) -> None:
    """Quoted, escaped and, when it is very long, cut."""
    assert show(text) == shown


def test_a_very_long_message_is_cut() -> None:
    """Whatever text of whoever's made it long."""
    problems = Problems()

    def complain() -> None:
        raise ValueError("x" * 1000)

    with pytest.raises(SpecError) as caught, problems.raised():
        problems.attempt(Text("a", Position("m.yaml", 1, 1)), "code", complain)
    assert str(caught.value) == f"m.yaml:1:1: {'x' * 500}…"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("platfroms", "; did you mean 'platforms'?"),
        ("PLATFORMS", "; did you mean 'platforms'?"),
        ("zzz", ""),
        ("platforms" * 5, ""),
    ],
)
def test_the_nearest_word(word: str, hint: str) -> None:
    """A likely word is offered, an unlikely one is not."""
    assert did_you_mean(word, ["platforms", "image"]) == hint
