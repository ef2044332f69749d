"""The entries of a target, from each form that `platforms`, `sources` and `manifests` have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeGuard

from mbuild.oci.platform import Platform
from mbuild.spec.annotations import read_annotations
from mbuild.spec.duplicates import Placed, check_duplicates
from mbuild.spec.platforms import (
    check_os_feature,
    check_os_version,
    read_platform,
    read_platform_parts,
)
from mbuild.spec.problems import Problems, show
from mbuild.spec.records import is_metadata, read_metadata_record
from mbuild.spec.references import check_length, read_source
from mbuild.spec.spec import Entry, Metadata
from mbuild.spec.templates import check_template, expand
from mbuild.spec.tree import Text

if TYPE_CHECKING:
    from mbuild.spec.entry_model import (
        LongEntry,
        LongSource,
        ManifestShape,
        MetadataEntry,
        MetadataManifest,
        MetadataSource,
        PlatformShape,
    )
    from mbuild.spec.structure import Draft


@dataclass(frozen=True, slots=True)
class EntryReader:
    """Reads the entries of one target; `tag` is its first one, for templates."""

    folder: str
    tag: str
    problems: Problems

    def read(self, draft: Draft) -> tuple[Entry | Metadata, ...]:
        """Give the entries in the order of the spec; wrong ones are told and left out."""
        shape = draft.shape
        placed = [
            *self._from_platforms(draft),
            *self._from_sources(shape.sources or ()),
            *self._from_manifests(shape.manifests or ()),
        ]
        check_duplicates(placed, self.problems)
        return tuple(it.entry for it in placed)

    def _from_platforms(self, draft: Draft) -> Iterator[Placed]:
        platforms = draft.shape.platforms
        if isinstance(platforms, list):
            yield from self._from_template(draft.shape.source, platforms)
            return
        for key, value in (platforms or {}).items():
            platform = self._platform(key)
            for item in value if isinstance(value, list) else [value]:
                entry = self._entry(item, platform)
                if entry and platform:
                    place = entry.position if isinstance(value, list) else key.position
                    yield Placed(place, entry)

    def _from_template(self, source: Text | None, platforms: Sequence[Text]) -> Iterator[Placed]:
        template = source and self._template(source)
        for text in platforms:
            platform = self._platform(text)
            if template and platform:
                image = Text(expand(template, platform, self.tag), template.position)
                entry = self._entry(image, platform)
                if entry:
                    yield Placed(text.position, replace(entry, position=text.position))

    def _from_sources(
        self, sources: Sequence[Text | LongSource | MetadataSource]
    ) -> Iterator[Placed]:
        for source in sources:
            entry = self._entry(source, None)
            if entry:
                yield Placed(entry.position, entry)

    def _from_manifests(
        self, manifests: Sequence[ManifestShape | MetadataManifest]
    ) -> Iterator[Placed]:
        for manifest in manifests:
            said = manifest.platform
            if isinstance(said, Text):
                platform = self._platform(said)
            else:
                platform = None if said is None else self._platform_of_parts(said)
            entry = self._entry(manifest, platform)
            if entry and (platform or said is None):
                yield Placed(entry.position, entry)

    def _template(self, source: Text) -> Text | None:
        return self.problems.attempt(
            source, "bad-template", lambda: check_template(check_length(source))
        )

    def _platform(self, text: Text) -> Platform | None:
        return self.problems.attempt(text, "bad-platform", lambda: read_platform(text))

    def _platform_of_parts(self, parts: PlatformShape) -> Platform | None:
        platform = self.problems.attempt(
            parts.architecture,
            "bad-platform",
            lambda: read_platform_parts(parts.os, parts.architecture, parts.variant or ""),
        )
        version = parts.os_version or parts.osversion
        return self._narrowed(platform, version, parts.os_features or parts.osfeatures or [])

    def _entry(
        self, item: Text | LongSource | MetadataSource, platform: Platform | None
    ) -> Entry | Metadata | None:
        entry: Entry | Metadata | None
        if isinstance(item, Text):
            entry = self._of_image(item)
            return entry and replace(entry, platform=platform)
        if is_metadata(item):
            entry = read_metadata_record(item, self.folder, self.problems)
        else:
            assert item.image is not None  # the model of an entry without metadata asks for it
            entry = self._of_image(item.image)
        annotations = read_annotations(item.annotations, self.problems)
        if _is_narrowing(item):
            platform = self._narrowed(platform, item.os_version, item.os_features or [])
        return (
            None
            if entry is None
            else replace(
                entry,
                platform=platform,
                annotations=annotations,
                optional=item.optional,
                trust=item.trust,
            )
        )

    def _of_image(self, image: Text) -> Entry | None:
        reference = self.problems.attempt(
            image, "bad-reference", lambda: read_source(image, self.folder)
        )
        return None if reference is None else Entry(reference, image.position)

    def _narrowed(
        self, platform: Platform | None, version: Text | None, features: Sequence[Text]
    ) -> Platform | None:
        """Give the platform with os.version and os.features, which are checked in any case."""
        if version is not None:
            self.problems.attempt(version, "bad-platform", partial(check_os_version, version))
        for feature in features:
            self.problems.attempt(feature, "bad-platform", partial(check_os_feature, feature))
        if platform is None:
            return None
        if version is not None and platform.os_version not in {"", version}:
            message = f"os.version {show(version)} differs from the one in '{platform}'; keep one"
            self.problems.add(version.position, message, "bad-platform")
        os_version = str(version or platform.os_version)
        os_features = tuple(map(str, features)) or platform.os_features
        return replace(platform, os_version=os_version, os_features=os_features)


def _is_narrowing(item: LongSource | MetadataSource) -> TypeGuard[LongEntry | MetadataEntry]:
    """Tell whether the item has os.version and os.features; pydantic itself is not needed here."""
    return hasattr(item, "os_version")
