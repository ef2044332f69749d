"""Which form a target gives its images in: exactly one, and not an empty one.

A folder of digests is no such form, nor is a base: either may stand alone, and beside each of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mbuild.spec.problems import Problems, show
from mbuild.spec.tree import Items, Table, is_empty

if TYPE_CHECKING:
    from mbuild.spec.structure import Draft

FORMS = ("platforms", "sources", "manifests")
ALONE = ("digests", "base")


def check_forms(draft: Draft, problems: Problems) -> None:
    """Tell of a target without images, or with images in more than one form."""
    table = draft.table
    given = [form for form in FORMS if table.says(form)]
    usable = [form for form in given if table.at(form) is not None]
    if len(usable) > 1:
        place = next(key for key in reversed(table) if key in usable).position
        message = f"{' and '.join(map(repr, usable))} cannot stand together; keep one of them"
        problems.add(place, message, "several-forms")
    if not given and not any(map(table.says, ALONE)):
        nulls = [node for form in FORMS if (node := table.at(form)) is not None]
        message = "no images are given; add 'platforms' with an image for each platform"
        problems.add((nulls or [table])[0].position, message, "no-images")
    for form in given:
        node = table.at(form)
        if node is not None and is_empty(node):
            message = f"{form!r} is empty; name at least one image"
            problems.add(node.position, message, "no-images")
    platforms = table.at("platforms")
    for key, node in platforms.items() if isinstance(platforms, Table) else ():
        if is_empty(node):
            message = f"no image is given for {show(key)}; name at least one"
            problems.add(key.position, message, "no-images")
    _check_source(draft, problems)
    remove = table.at("remove")
    if remove is not None and not is_empty(remove) and not table.says("base"):
        message = "'remove' needs 'base', the index that platforms are taken out of"
        problems.add(remove.position, message, "remove-without-base")


def _check_source(draft: Draft, problems: Problems) -> None:
    """Tell of a template without platforms to fill it in, and of platforms without a template."""
    table, source = draft.table, draft.shape.source
    platforms = table.at("platforms")
    if isinstance(platforms, Items):
        if not table.says("source"):
            message = "a list of platforms needs 'source', a template such as team/app:1.4-{arch}"
            problems.add(platforms.position, message, "no-source")
    elif source is not None and "platforms" not in table.dropped:
        message = "'source' needs 'platforms' to be a list, such as [linux/amd64, linux/arm64]"
        problems.add(source.position, message, "source-alone")
