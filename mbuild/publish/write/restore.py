"""Restore: when a tag is refused for good, those already moved go back to what they held."""

from __future__ import annotations

from mbuild.errors import MbuildError, RegistryError
from mbuild.publish.outcome import TagOutcome
from mbuild.publish.write.grace import finish
from mbuild.publish.write.step_run import StepRun

_HINT = "settle the refusal and run the same command again, or put the tag back by hand"


async def restore(runs: list[StepRun]) -> None:
    """Put all written tags back, in all repositories; what cannot be put back is named.

    Each is asked for first: one that does not hold the index any more is somebody else's.
    """
    await finish(_put_back(run, tag) for run in runs for tag in (*run.written, *run.doubtful))


async def _put_back(run: StepRun, tag: TagOutcome) -> None:
    where = run.where(tag)
    try:
        found = await run.store.head_manifest(tag.tag)
        held = found.digest if found else None
        if held == run.index.digest:
            await _let_go(run, tag)
        elif tag in run.written or held != tag.previous:
            run.warnings.append(
                f"{where}: not put back: it holds {held or 'nothing'} by now, and not what was "
                "written"
            )
    except MbuildError as error:
        run.leave(tag)
        text = _describe(run, tag, f"it could not be put back: {error.message}")
        run.errors.append(RegistryError(text, where=where, hint=_HINT))


async def _let_go(run: StepRun, tag: TagOutcome) -> None:
    """Put one tag back that holds the index."""
    content = run.kept.get(tag.previous) if tag.previous else None
    if content:
        await run.store.put_manifest(tag.tag, content)
        run.put_back(tag, "restored")
    elif tag.action == "created" and await run.store.delete_tag(tag.tag):
        run.put_back(tag, "removed")
    elif tag.action == "created":
        _leave_behind(run, tag, "the registry is not known to delete a tag without its image")
    else:
        _leave_behind(run, tag, "what it held before could not be read")


def _leave_behind(run: StepRun, tag: TagOutcome, reason: str) -> None:
    run.leave(tag)
    run.warnings.append(f"{run.where(tag)}: {_describe(run, tag, reason)}; {_HINT}")


def _describe(run: StepRun, tag: TagOutcome, reason: str) -> str:
    before = tag.previous or ("nothing" if tag.action == "created" else "something unknown")
    return f"left behind: it holds {run.index.digest}, and held {before}: {reason}"
