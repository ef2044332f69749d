"""Media types of manifests, indexes, configs and layers, and which kind each one is.

Sources: image-spec, media-types.md; distribution's manifest-v2-2 and manifest-list documents.
"""

from __future__ import annotations

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_LAYER_ZSTD = "application/vnd.docker.image.rootfs.diff.tar.zstd"
DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"
DOCKER_SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"
DOCKER_ATTESTATION = "application/vnd.docker.attestation.manifest.v1+json"

INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
IMAGE_MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
SCHEMA1 = frozenset({DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED})
IMAGE_CONFIGS = frozenset({OCI_CONFIG, DOCKER_CONFIG})

ACCEPTED = (OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST)
"""What a manifest is asked for as, in order of preference."""


def is_index(media_type: str) -> bool:
    """Tell whether the type is an OCI index or a Docker manifest list."""
    return media_type in INDEXES


def is_image_manifest(media_type: str) -> bool:
    """Tell whether the type is an OCI or Docker (schema 2) image manifest."""
    return media_type in IMAGE_MANIFESTS


def is_schema1(media_type: str) -> bool:
    """Tell whether the type is one of Docker's withdrawn schema 1 manifests."""
    return media_type in SCHEMA1


def is_docker(media_type: str) -> bool:
    """Tell whether the type is one of Docker's own."""
    return media_type.startswith("application/vnd.docker.")


def is_foreign_layer(media_type: str) -> bool:
    """Tell whether the type is a layer that is not distributed by registries.

    These are Docker's `foreign` and OCI's (deprecated) `nondistributable` layers.
    """
    return ".foreign." in media_type or ".nondistributable." in media_type
