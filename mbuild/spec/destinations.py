"""Where the index of a target goes: repositories and tags, each tag claimed by one target only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from mbuild.oci.reference import DEFAULT_TAG, AnyReference, ArchiveReference, check_tag
from mbuild.spec.dependencies import unique_name
from mbuild.spec.problems import Problems, show
from mbuild.spec.references import read_reference
from mbuild.spec.spec import Destination, Position
from mbuild.spec.tree import Text, is_empty

if TYPE_CHECKING:
    from mbuild.spec.structure import Draft


@dataclass(frozen=True, slots=True)
class Claim:
    """Who puts a tag where: the place of the tag, and of the target."""

    tag: Position
    target: Position


@dataclass(frozen=True, slots=True)
class _Tagged:
    """A repository and its tags in order, each with the place where it is written."""

    repository: AnyReference
    position: Position
    tags: dict[str, Position]


class Claims:
    """The tags that the targets of a run have taken; `further` ones go to every target."""

    def __init__(self, further: Sequence[str] = ()) -> None:
        self.further = tuple(further)
        self._taken: dict[tuple[str, str], Claim] = {}

    def take(self, repository: AnyReference, tag: str, claim: Claim, problems: Problems) -> None:
        """Take a tag, or tell that another target has it."""
        first = self._taken.setdefault((unique_name(repository), tag), claim)
        if first is claim:
            return
        # Two targets may take the tag from the same defaults: then they are told apart.
        place, other = claim.tag, first.tag
        if place == other:
            place, other = claim.target, first.target
        message = (
            f"tag {tag!r} of {repository.familiar} is a target already, first at {other}; "
            "take one out"
        )
        problems.add(place, message, "duplicate-target")


def read_destinations(
    draft: Draft, folder: str, claims: Claims, problems: Problems
) -> tuple[Destination, ...]:
    """Give each repository once, with the tags in its references first, then those of `tags`."""
    tagged: dict[str, _Tagged] = {}
    for image in _images(draft, problems):
        reference = problems.attempt(image, "bad-reference", partial(_read_target, image, folder))
        if reference:
            bare = reference.with_tag("")
            it = tagged.setdefault(str(bare), _Tagged(bare, image.position, {}))
            if reference.tag:
                it.tags.setdefault(reference.tag, image.position)
    tags = [
        tag
        for tag in draft.shape.tags or ()
        if problems.attempt(tag, "bad-tag", partial(_checked_tag, tag)) is not None
    ]
    return tuple(_claimed(it, tags, draft, (claims, problems)) for it in tagged.values())


def _images(draft: Draft, problems: Problems) -> list[Text]:
    table, image = draft.table, draft.shape.image
    node = table.at("image")
    if not table.says("image"):
        message = "no 'image' is given; it says where to publish, such as registry/team/app:1.4"
        problems.add((table if node is None else node).position, message, "no-image")
    elif node is not None and is_empty(node):
        problems.add(node.position, "'image' is empty; name at least one repository", "no-image")
    if image is None:
        return []
    return image if isinstance(image, list) else [image]


def _read_target(image: Text, folder: str) -> AnyReference:
    reference = read_reference(image, folder)
    if reference.digest:
        raise ValueError(f"{show(image)} names a digest; a target has at most a tag")
    if isinstance(reference, ArchiveReference) and reference.is_docker:
        raise ValueError(
            f"{show(image)} cannot be a target: a docker-archive holds images of one platform "
            "each, and no list of them; write it as oci-archive:FILE"
        )
    return reference


def _checked_tag(tag: Text) -> Text:
    check_tag(tag)
    return tag


def _claimed(
    it: _Tagged, tags: Sequence[Text], draft: Draft, run: tuple[Claims, Problems]
) -> Destination:
    claims, problems = run
    for text in tags:
        it.tags.setdefault(str(text), text.position)
    for tag in claims.further:
        it.tags.setdefault(tag, it.position)
    if not it.tags and not draft.shape.tags:
        it.tags[DEFAULT_TAG] = it.position
    for tag, place in it.tags.items():
        claims.take(it.repository, tag, Claim(place, draft.table.position), problems)
    return Destination(it.repository, tuple(it.tags))
