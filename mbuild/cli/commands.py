"""The commands: each turns its options into values, calls the use case, gives an exit code."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from mbuild.cli.image_options import ImageOptions
from mbuild.cli.options import (
    NetworkOptions,
    Output,
    PinnedOptions,
    ReleaseOptions,
    SpecFiles,
    SpecOptions,
    TagOptions,
    VariableOptions,
    ViewOptions,
    WriteOptions,
)
from mbuild.cli.streams import print_bytes, print_document, print_lines

DIFFERENCE = 7
"""The exit code of `plan --check` where a push would change something."""


def push(
    spec: SpecFiles = None,
    *,
    release: ReleaseOptions,
    taken: PinnedOptions,
    writing: WriteOptions,
    network: NetworkOptions,
    view: ViewOptions,
) -> int:
    """Publish every target of the spec.

    Fetches each image's manifest, checks it, assembles one list, pushes it to its tags, and
    reads them back.
    """
    from mbuild.cli.inputs import take_spec
    from mbuild.cli.publishing import Publication

    publication = Publication(
        spec=take_spec(spec, taken),
        network=network,
        view=view,
        writing=writing,
        wait=release.wait,
    )
    return publication.run().exit_code


def plan(
    spec: SpecFiles = None,
    check: Annotated[
        bool,
        typer.Option("--check", envvar="MBUILD_CHECK", help="Exit 7 if anything would change."),
    ] = False,
    *,
    taken: PinnedOptions,
    tags: TagOptions,
    network: NetworkOptions,
    view: ViewOptions,
) -> int:
    """Show what push would do; nothing is written.

    Per tag: create, move, keep. Per platform: added, changed, kept, removed.
    """
    from mbuild.cli.inputs import take_spec
    from mbuild.cli.publishing import Publication

    spec_value = take_spec(spec, taken)
    writing = WriteOptions(dry_run=True, **asdict(tags))
    result = Publication(spec=spec_value, network=network, view=view, writing=writing).run()
    would_change = any(outcome.is_change for outcome in result.outcomes)
    return result.exit_code or (DIFFERENCE if check and would_change else 0)


def lock(
    spec: SpecFiles = None,
    *,
    to: Annotated[str, typer.Option(metavar="LOCK", envvar="MBUILD_TO", help="The file to write.")],
    taken: SpecOptions,
    network: NetworkOptions,
    view: ViewOptions,
) -> int:
    """Pin every source to its digest and size.

    `push --frozen LOCK` then publishes these, whatever their tags hold by then.
    """
    from mbuild.cli.inputs import take_spec
    from mbuild.cli.locking import Locking

    return Locking(spec=take_spec(spec, taken), file=to, network=network, view=view).run()


def check(spec: SpecFiles = None, *, variables: VariableOptions, view: ViewOptions) -> int:
    """Check the spec alone, without network.

    Every problem is told, with its line and column.
    """
    from mbuild.cli.inputs import read_spec
    from mbuild.report.checked import check_lines, make_check_document

    targets = read_spec(spec, variables.set_).targets
    if view.output is Output.JSON:
        print_document(make_check_document(targets))
    elif not view.quiet:
        print_lines(check_lines(targets))
    return 0


def create(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The image to publish.")],
    source: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE", help="Its images, one a platform; or one with {arch} in its name."
        ),
    ],
    *,
    writing: WriteOptions,
    image: ImageOptions,
    network: NetworkOptions,
    view: ViewOptions,
) -> int:
    """Publish images given as arguments.

    The same as push, without a spec.
    """
    from mbuild.cli.publishing import Publication
    from mbuild.spec.make import append_to, make_target

    spec = make_target(
        target=target,
        sources=source,
        tags=image.tag or (),
        platforms=image.platform or (),
        annotations=image.annotation or (),
        words=image.words,
    )
    spec = append_to(spec) if image.append else spec
    publication = Publication(spec=spec, network=network, view=view, writing=writing)
    return publication.run().exit_code


def inspect(
    ref: Annotated[str, typer.Argument(metavar="REF", help="An image, or oci:DIR[:TAG].")],
    raw: Annotated[
        bool, typer.Option("--raw", envvar="MBUILD_RAW", help="The exact bytes, and no more.")
    ] = False,
    *,
    network: NetworkOptions,
    view: ViewOptions,
) -> int:
    """Show what a reference holds.

    Of an index its entries, of an image its config and layers.
    """
    from mbuild.cli.inspecting import fetch_content, show_content

    content = fetch_content(ref, network, view)
    if raw:
        print_bytes(content.raw)
        return 0
    show_content(ref, content, view)
    return 0


def verify(
    refs: Annotated[
        list[str],
        typer.Argument(metavar="REF", help="Images, or oci:DIR[:TAG]; any number of them."),
    ],
    deep: Annotated[
        bool,
        typer.Option("--deep", envvar="MBUILD_DEEP", help="Download every blob and hash it."),
    ] = False,
    *,
    network: NetworkOptions,
    view: ViewOptions,
) -> int:
    """Verify that all that published images need is there.

    Every manifest of an index, every config and every layer is asked for, and its size
    compared. Exit 4 if one is missing or wrong.
    """
    from mbuild.cli.verifying import Verification, read_references

    return Verification(read_references(refs), deep, network, view).run()


def schema() -> int:
    """Print the spec's JSON Schema.

    It is for editors, and for programs that write specs.
    """
    from mbuild.spec.schema import json_schema

    print_document(json_schema())
    return 0
