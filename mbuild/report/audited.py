"""What `verify` says: a line a reference, and a document with all that is missing or wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.publish.audit.findings import Audit, Counts, Finding
from mbuild.report.document import VERSION, Effort
from mbuild.report.errors import error_objects
from mbuild.report.text import count, human_size
from mbuild.report.tree import kind_name


def whole_lines(audits: Iterable[Audit]) -> Iterator[str]:
    """Give `IMAGE@DIGEST` of each reference that is whole."""
    for audit in audits:
        if audit.found and audit.is_whole:
            yield f"{audit.image}@{audit.found.digest}"


def audit_lines(audits: Iterable[Audit], *, deep: bool) -> Iterator[str]:
    """Give a line a reference: what it holds, and how much of that answered."""
    for audit in audits:
        if audit.found:
            verdict = _whole(audit.counts, deep=deep) if audit.is_whole else _broken(audit)
            shape = _shape(audit, audit.found)
            yield f"{audit.image}@{audit.found.digest}  {shape}: {verdict}"


def _shape(audit: Audit, found: Descriptor) -> str:
    kind = kind_name(found.media_type)
    if not media_types.is_index(found.media_type) or not _is_opened(audit):
        return kind
    shape = f"{kind}, {count(audit.images, 'image')}"
    if audit.attestations:
        shape += f", {count(audit.attestations, 'attestation')}"
    return shape


def _whole(counts: Counts, *, deep: bool) -> str:
    text = ", ".join(
        (
            count(counts.manifests, "manifest"),
            count(counts.configs, "config"),
            count(counts.layers, "layer"),
        )
    )
    text += f" ({human_size(counts.bytes)}) answer"
    if deep:
        text += ", all of them hashed"
    if counts.foreign:
        text += f"; {count(counts.foreign, 'foreign layer')} not asked for"
    if counts.unknown:
        text += f"; {count(counts.unknown, 'manifest')} of another kind not looked into"
    return text


def _is_opened(audit: Audit) -> bool:
    """Tell whether what the reference holds could be read."""
    return audit.is_whole or audit.counts.parts > 0


def _broken(audit: Audit) -> str:
    if not _is_opened(audit):
        return "not verified"
    verdicts = (
        (len(audit.findings), "missing or wrong"),
        (len(audit.errors), "not verified"),
    )
    said = [f"{number} {verdict}" for number, verdict in verdicts if number]
    return f"of {count(audit.counts.parts, 'part')} {', '.join(said)}"


def make_audit_document(audits: Iterable[Audit], effort: Effort, *, deep: bool) -> dict[str, Any]:
    """Make the JSON document of a run."""
    references = tuple(audits)
    return {
        "version": VERSION,
        "ok": all(audit.is_whole for audit in references),
        "seconds": round(effort.seconds, 3),
        "requests": effort.requests,
        "retries": effort.retries,
        "references": [_reference(audit, deep=deep) for audit in references],
    }


def _reference(audit: Audit, *, deep: bool) -> dict[str, Any]:
    found, counts = audit.found, audit.counts
    return {
        "reference": audit.name,
        "image": audit.image,
        "tag": audit.tag or None,
        "digest": str(found.digest) if found else None,
        "size": found.size if found else None,
        "mediaType": found.media_type if found else None,
        "images": audit.images,
        "attestations": audit.attestations,
        "manifests": counts.manifests,
        "configs": counts.configs,
        "layers": counts.layers,
        "blobs": counts.configs + counts.layers,
        "bytes": counts.bytes,
        "foreign": counts.foreign,
        "unknown": counts.unknown,
        "deep": deep,
        "missing": [_finding(finding) for finding in audit.findings],
        "errors": error_objects(audit.all_errors),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "digest": str(finding.digest),
        "kind": finding.kind,
        "platforms": list(finding.platforms),
        "reason": finding.flaw.reason,
    }
