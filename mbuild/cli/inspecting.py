"""What inspect does: fetch one manifest and show it."""

from __future__ import annotations

from mbuild.cli.options import NetworkOptions, Output, ViewOptions
from mbuild.cli.session import Session, run_session
from mbuild.cli.streams import print_document, print_lines
from mbuild.errors import (
    ImageMismatch,
    NotFound,
    RegistryError,
    SourceError,
    SourceNotFound,
    UsageError,
)
from mbuild.oci import media_types
from mbuild.oci.manifest import Content
from mbuild.oci.reference import AnyReference, LocalReference, asked_for, parse_any_reference
from mbuild.report.tree import inspect_document, inspect_lines


def fetch_content(text: str, network: NetworkOptions, view: ViewOptions) -> Content:
    """Fetch what a reference holds.

    Raises UsageError for a text that is no reference, SourceNotFound for an absent image,
    SourceError for a layout that is broken.
    """
    reference = _parse(text)

    async def work(session: Session) -> Content:
        name = asked_for(reference)
        return await session.library.manifest(session.stores.open(reference), name)

    try:
        content, _ = run_session(work, network, view)
    except NotFound as error:
        raise SourceNotFound(
            error.message, where=error.where or text, hint=error.hint or "check name and tag"
        ) from error
    except RegistryError as error:
        if not isinstance(reference, LocalReference):
            raise
        # A layout that is broken is a matter of the image, not of a registry.
        raise SourceError(error.message, where=error.where or text, hint=error.hint) from error
    return content


def show_content(text: str, content: Content, view: ViewOptions) -> None:
    """Print a manifest as text, as JSON, or as its `IMAGE@DIGEST` alone."""
    name = _parse(text).familiar
    if media_types.is_schema1(content.media_type):
        raise ImageMismatch(
            "it is a Docker schema 1 manifest, which no current client reads",
            where=text,
            hint="mbuild inspect --raw shows it as it is",
        )
    try:
        if view.output is Output.JSON:
            print_document(inspect_document(name, content))
        elif view.quiet:
            print_lines([f"{name}@{content.digest}"])
        else:
            print_lines(tuple(inspect_lines(name, content)))
    except ValueError as error:
        raise ImageMismatch(
            f"its {content.media_type} is malformed: {error.args[0]}",
            where=text,
            hint="mbuild inspect --raw shows it as it is",
        ) from error


def _parse(text: str) -> AnyReference:
    try:
        return parse_any_reference(text)
    except ValueError as error:
        raise UsageError(str(error)) from error
