"""From a manifest down to all its parts: indexes, manifests, then configs and layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mbuild.errors import MbuildError
from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.index import Index
from mbuild.oci.manifest import ImageManifest
from mbuild.publish.audit.evidence import Evidence, Opened
from mbuild.publish.audit.findings import Counts, Finding, Flaw, Kind, part_name
from mbuild.publish.together import each

PARTS_UNDER_WAY = 32
MOST_LEVELS = 8
"""How many indexes may lie one within another; no client reads two."""

Verdict = Opened | Flaw | MbuildError
Labels = tuple[str, ...]


@dataclass(slots=True)
class Part:
    """A part that was met on the way, and the platforms by which it was met (in order)."""

    kind: Kind
    descriptor: Descriptor
    labels: dict[str, None] = field(default_factory=dict)


class Parts:
    """Parts by digest and size, each once however often it was met."""

    def __init__(self) -> None:
        self._parts: dict[tuple[Digest, int], Part] = {}

    def meet(self, kind: Kind, descriptor: Descriptor, labels: Labels) -> Part | None:
        """Take note of a part; give it where it is new."""
        key = (descriptor.digest, descriptor.size)
        known = self._parts.get(key)
        part = self._parts.setdefault(key, Part(kind, descriptor))
        part.labels.update(dict.fromkeys(labels))
        return None if known else part

    def all(self) -> Sequence[Part]:
        """Give all parts, in the order in which they were met."""
        return tuple(self._parts.values())


class Walk:
    """One walk from a manifest to its parts; `run` it once, then ask for what was found."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._manifests = Parts()
        self._blobs = Parts()
        self._foreign: set[Digest] = set()
        self._unknown = 0
        self._findings: list[tuple[Part, Flaw]] = []
        self._errors: list[tuple[Part, MbuildError]] = []

    async def run(self, top: Opened) -> None:
        """Ask for all parts: level by level down to the image manifests, then every blob."""
        level = self._take(top, ())
        for _ in range(MOST_LEVELS):
            if not level:
                break
            level = await self._descend(level)
        text = f"lies below more than {MOST_LEVELS} indexes, and was not looked at"
        too_deep = Flaw("too-deep", text, hint="publish it without so many indexes around it")
        self._findings += [(part, too_deep) for part in level]
        blobs = self._blobs.all()
        verdicts = await each(
            [part.descriptor for part in blobs], self._evidence.blob, width=PARTS_UNDER_WAY
        )
        self._judge(zip(blobs, verdicts, strict=True))

    @property
    def counts(self) -> Counts:
        """Count what the walk met below its beginning."""
        blobs = self._blobs.all()
        configs = sum(part.kind == "config" for part in blobs)
        return Counts(
            manifests=len(self._manifests.all()),
            configs=configs,
            layers=len(blobs) - configs,
            bytes=sum(part.descriptor.size for part in blobs),
            foreign=len(self._foreign),
            unknown=self._unknown,
        )

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Give every part that is missing or wrong."""
        return tuple(
            Finding(part.kind, part.descriptor.digest, tuple(part.labels), flaw)
            for part, flaw in self._findings
        )

    @property
    def errors(self) -> tuple[tuple[str, MbuildError], ...]:
        """Give every part of which nothing could be found out: its name, and the error."""
        return tuple(
            (part_name(part.kind, part.descriptor.digest, tuple(part.labels)), error)
            for part, error in self._errors
        )

    async def _descend(self, level: Sequence[Part]) -> list[Part]:
        """Ask for manifests, and give those that they list in their turn."""
        verdicts = await each(
            [part.descriptor for part in level], self._evidence.manifest, width=PARTS_UNDER_WAY
        )
        answered = list(zip(level, verdicts, strict=True))
        self._judge(answered)
        self._unknown += sum(verdict is None for verdict in verdicts)
        return [
            below
            for part, verdict in answered
            if isinstance(verdict, Index | ImageManifest)
            for below in self._take(verdict, tuple(part.labels))
        ]

    def _judge(self, answered: Iterable[tuple[Part, Verdict]]) -> None:
        for part, verdict in answered:
            if isinstance(verdict, Flaw):
                self._findings.append((part, verdict))
            elif isinstance(verdict, MbuildError):
                self._errors.append((part, verdict))

    def _take(self, opened: Opened, labels: Labels) -> list[Part]:
        """Take note of what a manifest names; give the manifests among it that are new."""
        if isinstance(opened, Index):
            return list(self._take_entries(opened, labels))
        if opened is not None:
            self._take_blobs(opened, labels)
        return []

    def _take_entries(self, index: Index, labels: Labels) -> Iterator[Part]:
        platforms = {str(entry.digest): entry.platform for entry in index.images}
        for entry in index.manifests:
            kind: Kind = "index" if media_types.is_index(entry.media_type) else "manifest"
            own = (str(entry.platform),) if entry.platform else labels
            if entry.is_attestation:
                subject = platforms.get(entry.attests) or entry.attests or "nothing"
                own = (f"attestation of {subject}",)
            if part := self._manifests.meet(kind, entry, own):
                yield part

    def _take_blobs(self, manifest: ImageManifest, labels: Labels) -> None:
        self._blobs.meet("config", manifest.config, labels)
        for layer in manifest.layers:
            if layer.urls or media_types.is_foreign_layer(layer.media_type):
                self._foreign.add(layer.digest)
            else:
                self._blobs.meet("layer", layer, labels)
