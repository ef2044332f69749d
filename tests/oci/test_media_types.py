"""Media types: which kind each one is."""

import pytest

from mbuild.oci import media_types

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
KINDS = {
    media_types.OCI_INDEX: {"index"},
    media_types.DOCKER_LIST: {"index", "docker"},
    media_types.OCI_MANIFEST: {"image"},
    media_types.DOCKER_MANIFEST: {"image", "docker"},
    media_types.DOCKER_SCHEMA1: {"schema1", "docker"},
    media_types.DOCKER_SCHEMA1_SIGNED: {"schema1", "docker"},
    media_types.OCI_CONFIG: set(),
    media_types.DOCKER_CONFIG: {"docker"},
    LAYER: set(),
    "application/vnd.docker.image.rootfs.diff.tar.gzip": {"docker"},
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": {"docker", "foreign"},
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd": {"foreign"},
    "application/json": set(),
    "": set(),
}
TESTS = {
    "index": media_types.is_index,
    "image": media_types.is_image_manifest,
    "schema1": media_types.is_schema1,
    "docker": media_types.is_docker,
    "foreign": media_types.is_foreign_layer,
}


@pytest.mark.parametrize(("media_type", "kinds"), KINDS.items(), ids=map(repr, KINDS))
def test_kinds(media_type: str, kinds: set[str]) -> None:
    """Each type is of the kinds that its specification gives it, and of no other."""
    assert {kind for kind, is_kind in TESTS.items() if is_kind(media_type)} == kinds


def test_accepted() -> None:
    """Manifests are asked for as any index or image manifest, and never as schema 1."""
    assert set(media_types.ACCEPTED) == media_types.INDEXES | media_types.IMAGE_MANIFESTS
