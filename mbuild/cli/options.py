"""Options that mean the same in every command, each with its MBUILD_ variable, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer


class Output(StrEnum):
    """What stdout gets: text for a person, or one JSON document."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, kw_only=True)
class ViewOptions:
    """How results are shown."""

    output: Annotated[
        Output,
        typer.Option("--output", "-o", envvar="MBUILD_OUTPUT", help="What stdout gets."),
    ] = Output.TEXT
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", envvar="MBUILD_QUIET", help="Only IMAGE@DIGEST lines on stdout."
        ),
    ] = False
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            envvar="MBUILD_VERBOSE",
            help="Show what is unchanged too, tell of copies, retries, detours; twice: requests.",
        ),
    ] = 0


@dataclass(frozen=True, kw_only=True)
class VariableOptions:
    """What the variables of a spec stand for."""

    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="K=V",
            envvar="MBUILD_SET",
            help="A variable of the spec; goes before the environment. Repeatable.",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """How registries are talked to."""

    jobs: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", envvar="MBUILD_JOBS", help="Requests under way per registry."
        ),
    ] = 32
    attempts: Annotated[
        int,
        typer.Option(min=1, metavar="N", envvar="MBUILD_ATTEMPTS", help="Tries of one request."),
    ] = 6
    deadline: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            metavar="SECONDS",
            envvar="MBUILD_DEADLINE",
            help="The longest the whole run may take.",
        ),
    ] = None
    plain_http: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST[:PORT]",
            envvar="MBUILD_PLAIN_HTTP",
            help="A registry without TLS: no https attempt. Loopback needs none. Repeatable.",
        ),
    ] = None
    ca: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            envvar="MBUILD_CA",
            help="Certificates to trust beside the system's, in PEM.",
            show_default=False,
        ),
    ] = ""
    authfile: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            envvar="MBUILD_AUTHFILE",
            help="Read credentials from here instead of docker's config.json.",
            show_default=False,
        ),
    ] = ""
    no_cache: Annotated[
        bool,
        typer.Option(
            "--no-cache",
            envvar="MBUILD_NO_CACHE",
            help="Take nothing from earlier runs, and keep nothing for the next.",
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class ReleaseOptions:
    """What a release job gives beside the spec: time for the jobs that still build."""

    wait: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SECONDS",
            envvar="MBUILD_WAIT",
            help="How long to wait for source tags that other jobs are still to push.",
            show_default=False,
        ),
    ] = 0


@dataclass(frozen=True, kw_only=True)
class TagOptions:
    """Which tags may not move."""

    no_clobber: Annotated[
        bool,
        typer.Option(
            "--no-clobber",
            envvar="MBUILD_NO_CLOBBER",
            help="No existing tag may move; one that would is an error.",
        ),
    ] = False
    no_downgrade: Annotated[
        bool,
        typer.Option(
            "--no-downgrade",
            envvar="MBUILD_NO_DOWNGRADE",
            help="Leave floating tags (1, 1.4, latest) alone that stand for a newer version.",
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class WriteOptions(TagOptions):
    """Whether anything is written, what may be overwritten, and where the result is noted."""

    dry_run: Annotated[
        bool, typer.Option("--dry-run", envvar="MBUILD_DRY_RUN", help="Stop before writing.")
    ] = False
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            envvar="MBUILD_FORCE",
            help="Take nothing for proven, and move tags that somebody else has changed, too.",
        ),
    ] = False
    foreign_layers: Annotated[
        bool,
        typer.Option(
            "--foreign-layers",
            envvar="MBUILD_FOREIGN_LAYERS",
            help="Push layers that lie at URLs too, such as those of old Windows images.",
        ),
    ] = False
    metadata_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            envvar="MBUILD_METADATA_FILE",
            help="Write digest, descriptor and names there, with buildx's keys.",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class SpecOptions(VariableOptions):
    """What a run makes of its spec: the variables' values, further tags, the chosen targets."""

    tag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TAG", envvar="MBUILD_TAG", help="A further tag for every target. Repeatable."
        ),
    ] = None
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            envvar="MBUILD_ONLY",
            help="Only targets whose repository, or REPOSITORY:TAG, matches. Repeatable.",
        ),
    ] = None
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            envvar="MBUILD_SHARD",
            help="Only the I-th of N shares of the targets, for N machines.",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class PinnedOptions(SpecOptions):
    """The same, and the lock that the sources are taken by."""

    frozen: Annotated[
        str | None,
        typer.Option(
            metavar="LOCK",
            envvar="MBUILD_FROZEN",
            help="Take every source by the digest that this lock has.",
        ),
    ] = None


SpecFiles = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SPEC", help="YAML files, - for stdin; manifests.yaml if none is named."
    ),
]
