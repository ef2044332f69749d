"""What a command reads before it starts: spec files, stdin, `--set` variables."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mbuild.cli.disk import Disk
from mbuild.cli.options import PinnedOptions, SpecOptions
from mbuild.errors import Problem, SpecError, UsageError, one_line
from mbuild.oci.reference import check_tag
from mbuild.spec.documents import MOST_BYTES
from mbuild.spec.fill_in import fill_in
from mbuild.spec.freeze import freeze
from mbuild.spec.lock import Lock, parse_lock
from mbuild.spec.parse import SpecText, parse_spec
from mbuild.spec.selection import parse_shard, select
from mbuild.spec.spec import Spec

DEFAULT_SPEC = "manifests.yaml"
STDIN = "-"


def read_spec(
    files: Sequence[str] | None, settings: Sequence[str] | None, tags: Sequence[str] | None = None
) -> Spec:
    """Read and parse the spec files; `tags` go to every target beside its own.

    Raises SpecError with every problem, or UsageError.
    """
    variables = {**os.environ, **parse_settings(settings or ())}
    further = _checked_tags(tags or ())
    return parse_spec(read_texts(files or (DEFAULT_SPEC,)), variables=variables, tags=further)


def take_spec(files: Sequence[str] | None, options: SpecOptions) -> Spec:
    """Read the whole spec, as `read_spec` does, and give the targets that the options choose.

    What files name of their images is read from there. Their sources are held to the lock, if
    one is named. Raises UsageError for a name or a
    share that cannot be, SpecError for a lock that is wrong or does not fit the spec.
    """
    shard = parse_shard(options.shard) if options.shard is not None else None
    spec = read_spec(files, options.set_, options.tag)
    only = options.only or ()
    if isinstance(options, PinnedOptions) and options.frozen is not None:
        lock = _read_lock(options.frozen)
        spec = fill_in(spec, Disk())
        return freeze(spec, lock, chosen=select(spec, only=only, shard=shard))
    return fill_in(select(spec, only=only, shard=shard), Disk())


def _read_lock(file: str) -> Lock:
    if file in {"", STDIN}:  # a variable that is not set must not let everything through
        raise UsageError(
            f"--frozen {file!r} names no lock", hint="name the file that mbuild lock wrote"
        )
    try:
        with Path(file).open("rb") as stream:
            return parse_lock(one_line(file), stream.read(MOST_BYTES + 1))
    except FileNotFoundError:
        reason = f"no such lock; make it: mbuild lock --to {file}"
    except OSError as error:
        reason = _reason(file, error)
    raise SpecError([Problem(one_line(file), 0, 0, reason, "spec-unreadable")])


def _checked_tags(tags: Sequence[str]) -> Sequence[str]:
    for tag in tags:
        try:
            check_tag(tag)
        except ValueError as error:
            raise UsageError(f"--tag: {error}") from error
    return tags


def parse_settings(settings: Sequence[str]) -> Mapping[str, str]:
    """Parse `K=V` texts; raises UsageError for one that is not."""
    pairs = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--set {text!r} is not K=V", hint="write it like --set VERSION=1.4")
        pairs[name] = value
    return pairs


def read_texts(files: Sequence[str]) -> list[SpecText]:
    """Read all files; raises SpecError that names every one that cannot be read."""
    texts, problems = [], []
    for file in files:
        if not file:
            raise UsageError("an empty name is no spec file", hint="name a file, or - for stdin")
        try:
            texts.append(_read(file))
        except OSError as error:
            problems.append(Problem(one_line(file), 0, 0, _reason(file, error), "spec-unreadable"))
    if problems:
        raise SpecError(problems)
    return texts


def _read(file: str) -> SpecText:
    # One byte more than is allowed shows the parser that there is too much.
    if file == STDIN:
        return SpecText("<stdin>", sys.stdin.buffer.read(MOST_BYTES + 1), "")
    with Path(file).open("rb") as stream:
        return SpecText(one_line(file), stream.read(MOST_BYTES + 1), _folder(file))


def _folder(file: str) -> str:
    """Give what the file's relative paths are joined to, nothing for the current folder."""
    folder = str(Path(file).parent)
    return "" if folder == "." else folder


def _reason(file: str, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    if isinstance(error, FileNotFoundError):
        if file == DEFAULT_SPEC:
            return "no such file; write one, or name your spec: mbuild push SPEC"
        return "no such file; check the path"
    return f"cannot be read: {reason}"
