"""A Spec from the arguments of `mbuild create`: one target, no file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from mbuild.errors import Failures, Problem, SpecError, UsageError
from mbuild.spec.destinations import Claims
from mbuild.spec.problems import Problems, show
from mbuild.spec.spec import Entry, Position, Spec, Target
from mbuild.spec.targets import read_target
from mbuild.spec.templates import has_words
from mbuild.spec.tree import Items, Node, Table, Text

NOTHING_MORE: Mapping[str, str] = MappingProxyType({})


def make_target(
    *,
    target: str,
    sources: Sequence[str],
    tags: Sequence[str] = (),
    platforms: Sequence[str] = (),
    annotations: Sequence[str] = (),
    words: Mapping[str, str] = NOTHING_MORE,
) -> Spec:
    """Make the Spec of one target.

    As many platforms as sources: each belongs to the source in its place. One source that is
    a template, and several platforms: it is filled in for each. `annotations` are `KEY=VALUE`
    texts, for the index, and `words` further keys of the spec that hold one word. Paths are left
    as they are, and `$` has no meaning.

    Raises UsageError whose `where` is the argument, or Failures of several.
    """
    from mbuild.spec.structure import read_drafts

    pairs: dict[str, Node] = {
        "image": _text(target),
        "tags": _items(map(_text, tags), "--tag"),
        "annotations": _annotations(annotations),
        **{key: Text(word, Position(f"--{key}")) for key, word in words.items()},
        **_images(sources, platforms),
    }
    problems = Problems()
    try:
        with problems.raised():
            [draft] = read_drafts(_table(pairs, target), problems)
            return Spec((read_target(draft, "", Claims(), problems),))
    except SpecError as error:
        raise _usage(error.problems) from None


def append_to(spec: Spec) -> Spec:
    """Give the Spec with each target started from what its first tag holds."""
    return Spec(tuple(_appended(target) for target in spec.targets))


def _appended(target: Target) -> Target:
    first = target.destinations[0]
    own = first.repository.with_tag(first.tags[0])
    return replace(target, base=Entry(own, Position(f"{own.familiar}:{own.tag}")))


def _images(sources: Sequence[str], platforms: Sequence[str]) -> dict[str, Node]:
    """Give the key, or keys, of a spec that say the same as the arguments."""
    if not sources:
        raise UsageError("no source is given; name at least one image")
    for source in sources:
        if "{" in source and not platforms:
            raise UsageError(
                f"{show(source)} is a template; say its platforms with --platform", where=source
            )
    if not platforms:
        return {"sources": _items(map(_text, sources), "SOURCE")}
    if len(sources) == 1 and has_words(sources[0]):
        return {
            "source": _text(sources[0]),
            "platforms": _items(map(_text, platforms), "--platform"),
        }
    if len(sources) != len(platforms):
        raise UsageError(
            f"{_count(platforms, 'platform')} for {_count(sources, 'source')}; give one "
            "--platform for each source, in the same order, or one source with {arch} in it"
        )
    manifests = [
        _table({"image": _text(source), "platform": _text(platform)}, platform)
        for source, platform in zip(sources, platforms, strict=True)
    ]
    return {"manifests": _items(manifests, "--platform")}


def _annotations(texts: Sequence[str]) -> Table:
    pairs: dict[Text, Node] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{show(text)} is not an annotation; write it KEY=VALUE", where=text)
        if key in pairs:
            raise UsageError(f"annotation {show(key)} is given twice; keep one", where=text)
        pairs[Text(key, Position(text))] = Text(value, Position(text))
    return Table(pairs, Position("--annotation"))


def _text(text: str) -> Text:
    return Text(text, Position(text))


def _items(items: Iterable[Node], name: str) -> Items:
    return Items(list(items), Position(name))


def _table(pairs: Mapping[str, Node], name: str) -> Table:
    return Table({_text(key): node for key, node in pairs.items()}, Position(name))


def _count(texts: Sequence[str], noun: str) -> str:
    return f"{len(texts)} {noun}{'' if len(texts) == 1 else 's'}"


def _usage(problems: Sequence[Problem]) -> UsageError | Failures:
    errors = [UsageError(problem.message, where=problem.file) for problem in problems]
    return errors[0] if len(errors) == 1 else Failures(errors)
