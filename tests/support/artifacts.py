"""What belongs to an image, made byte by byte: referrers, and cosign's signatures in tags."""

import json
from collections.abc import Mapping
from typing import Any

from tests.support.images import (
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    Content,
    Image,
    Index,
    digest_of,
)

EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
SBOM_TYPE = "application/spdx+json"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"


def make_referrer(
    subject: Content,
    *,
    text: str = "an SBOM",
    kind: str = SBOM_TYPE,
    annotations: Mapping[str, str] | None = None,
) -> Image:
    """Make an artifact whose subject is another manifest, as oras and regctl attach one."""
    blob, config = f"{text} of {subject.digest}".encode(), b"{}"
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": kind,
        "config": _named(EMPTY_TYPE, config),
        "layers": [_named(kind, blob)],
        "subject": _named(subject.media_type, subject.manifest),
    }
    if annotations:
        manifest["annotations"] = dict(annotations)
    return Image(json.dumps(manifest).encode(), OCI_MANIFEST, config, (blob,), {})


def make_index_referrer(subject: Content, *children: Image) -> Index:
    """Make an index whose subject is another manifest."""
    entries = [_named(child.media_type, child.manifest) for child in children]
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "artifactType": "application/vnd.test.bundle",
        "manifests": entries,
        "subject": _named(subject.media_type, subject.manifest),
    }
    return Index(json.dumps(manifest).encode(), OCI_INDEX, children)


def make_signatures(subject: Content, *keys: str) -> Image:
    """Make what cosign keeps in the tag `sha256-….sig`: one layer a signature, no subject.

    All sign the same payload, so that their layers differ by an annotation alone.
    """
    payload = json.dumps({"critical": {"image": {"docker-manifest-digest": subject.digest}}})
    layer = _named(SIMPLE_SIGNING, payload.encode())
    config = json.dumps({"architecture": "", "os": "", "config": {}, "keys": keys}).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _named(OCI_CONFIG, config),
        "layers": [{**layer, "annotations": {SIGNATURE: f"signed by {key}"}} for key in keys],
    }
    return Image(json.dumps(manifest).encode(), OCI_MANIFEST, config, (payload.encode(),), {})


def list_referrers(*referrers: Content) -> Index:
    """Make the index that the tag for referrers holds; its children are no part of it."""
    entries = [
        {**_named(one.media_type, one.manifest), "artifactType": SBOM_TYPE} for one in referrers
    ]
    manifest = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    return Index(json.dumps(manifest, indent=2).encode(), OCI_INDEX, ())


def fallback_tag(subject: Content) -> str:
    """The tag for a manifest's referrers."""
    return subject.digest.replace(":", "-")


def _named(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}
