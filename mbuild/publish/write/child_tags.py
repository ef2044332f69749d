"""Child tags are written when the children are there, and put back when the index is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from mbuild.errors import MbuildError, NotFound
from mbuild.publish.decide.plan import TaggedChild
from mbuild.publish.read.contents import fetch_content
from mbuild.publish.read.library import Library
from mbuild.publish.write.grace import finish
from mbuild.publish.write.step_run import StepRun


async def tag_children(runs: Iterable[StepRun], library: Library) -> None:
    """Write the child tags that do not hold their images yet; errors are held in the runs."""
    await finish(_write(run, one, library) for run in runs for one in run.step.pending_children)


async def _write(run: StepRun, one: TaggedChild, library: Library) -> None:
    tag = one.tag
    try:
        child = replace(one.child, store=run.store)
        content = child.content or await fetch_content(child, partial(library.manifest, run.store))
        await run.store.put_manifest(tag.tag, content)
    except MbuildError as error:
        run.note_child(replace(tag, action="failed"))
        run.errors.append(error)
    else:
        # What could not be read before is moved, from what nobody knows.
        run.note_child(replace(tag, action="moved") if tag.action == "unknown" else tag)


async def put_children_back(runs: Iterable[StepRun]) -> None:
    """Let child tags that were written hold what they held; what cannot be is a warning."""
    await finish(
        _put_back(run, one)
        for run in runs
        for one in run.step.pending_children
        if run.is_child_written(one.tag)
    )


async def _put_back(run: StepRun, one: TaggedChild) -> None:
    tag = one.tag
    try:
        found = await run.store.head_manifest(tag.tag)
        if found is None or found.digest != one.child.descriptor.digest:
            return  # somebody else's by now
        if tag.previous:
            await run.store.put_manifest(tag.tag, await run.store.fetch_manifest(str(tag.previous)))
            run.note_child(replace(tag, action="restored"))
            return
        if tag.action == "created" and await run.store.delete_tag(tag.tag):
            run.note_child(replace(tag, action="removed"))
            return
        reason = (
            "the registry is not known to delete a tag without its image"
            if tag.action == "created"
            else "what it held before could not be read"
        )
    except NotFound:
        reason = "what it held is not there any more"
    except MbuildError as error:
        reason = error.message
    run.note_child(replace(tag, is_left=True))
    run.warnings.append(f"{run.where(tag)}: this child tag was not put back: {reason}")
