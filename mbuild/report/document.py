"""The JSON document of push and plan; its shape is a contract that scripts are written against."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mbuild.errors import MbuildError
from mbuild.oci.descriptor import Descriptor
from mbuild.publish.outcome import AnnotationOutcome, Outcome, PlatformOutcome, TagOutcome
from mbuild.report.errors import error_objects

VERSION = 1


@dataclass(frozen=True, slots=True)
class Effort:
    """What a run took: seconds of wall time, HTTP requests sent, attempts repeated."""

    seconds: float = 0.0
    requests: int = 0
    retries: int = 0


def to_json(value: Any) -> str:
    """Write a document: two-space indent, text as it is, a newline at the end."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def make_document(
    outcomes: Iterable[Outcome], effort: Effort, *, errors: Iterable[MbuildError] = ()
) -> dict[str, Any]:
    """Make the document; `errors` are those that belong to no target, such as a spec's."""
    targets = tuple(outcomes)
    general = error_objects(errors)
    document: dict[str, Any] = {
        "version": VERSION,
        "ok": not general and not any(outcome.errors for outcome in targets),
        "seconds": round(effort.seconds, 3),
        "requests": effort.requests,
        "retries": effort.retries,
        "targets": [_target(outcome) for outcome in targets],
    }
    return document | ({"errors": general} if general else {})


def _target(outcome: Outcome) -> dict[str, Any]:
    index = outcome.index
    return {
        "image": outcome.image,
        "digest": str(index.digest) if index else None,
        "size": index.size if index else None,
        "mediaType": index.media_type if index else None,
        "tags": [_tag(tag) for tag in outcome.tags],
        "platforms": [_platform(platform) for platform in outcome.platforms],
        "annotations": [_annotation(one) for one in outcome.differences.annotations],
        "previousMediaType": outcome.differences.previous_type or None,
        "furtherChanges": list(outcome.differences.further),
        "attestations": outcome.attestations,
        "referrers": outcome.referrers,
        "childTags": [_tag(tag) for tag in outcome.child_tags],
        "copied": {
            "blobs": outcome.copied.blobs,
            "mounted": outcome.copied.mounted,
            "bytes": outcome.copied.bytes,
            "foreign": outcome.copied.foreign,
        },
        "verified": outcome.verified,
        "warnings": list(outcome.warnings),
        "errors": error_objects(outcome.errors),
    }


def _tag(tag: TagOutcome) -> dict[str, Any]:
    return {
        "tag": tag.tag,
        "action": tag.action,
        "previous": str(tag.previous) if tag.previous else None,
    } | ({"reason": tag.reason} if tag.reason else {})


def _platform(platform: PlatformOutcome) -> dict[str, Any]:
    descriptor = platform.descriptor
    return {
        "platform": platform.platform,
        "image": platform.image or None,
        "digest": str(descriptor.digest) if descriptor else None,
        "size": descriptor.size if descriptor else None,
        "mediaType": descriptor.media_type if descriptor else None,
        "change": platform.change,
        "previous": str(platform.previous) if platform.previous else None,
        "annotations": [_annotation(one) for one in platform.annotations],
        "converted": _converted(platform.converted),
    }


def _converted(origin: Descriptor | None) -> dict[str, Any] | None:
    return {"from": str(origin.digest), "mediaType": origin.media_type} if origin else None


def _annotation(one: AnnotationOutcome) -> dict[str, Any]:
    return {"key": one.key, "change": one.change, "previous": one.previous, "value": one.value}
