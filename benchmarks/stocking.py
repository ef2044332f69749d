"""A registry's storage, filled without the registry: thousands of images in a few seconds."""

from __future__ import annotations

from pathlib import Path

from tests.support.images import Image, digest_of


class Storage:
    """The folder of a docker-registry, in the layout of its filesystem driver."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "docker" / "registry" / "v2"

    def put(self, repository: str, tag: str, image: Image) -> None:
        """Put an image, its config and its layers into a repository, and tag it."""
        home = self._root / "repositories" / repository
        for blob in image.blobs:
            self._keep(blob)
            _link(home / "_layers", digest_of(blob))
        self._keep(image.manifest)
        _link(home / "_manifests" / "revisions", image.digest)
        tags = home / "_manifests" / "tags" / tag
        _link(tags / "index", image.digest)
        (tags / "current").mkdir()
        (tags / "current" / "link").write_text(image.digest)

    def _keep(self, blob: bytes) -> None:
        algorithm, _, word = digest_of(blob).partition(":")
        folder = self._root / "blobs" / algorithm / word[:2] / word
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "data").write_bytes(blob)


def _link(folder: Path, digest: str) -> None:
    algorithm, _, word = digest.partition(":")
    place = folder / algorithm / word
    place.mkdir(parents=True, exist_ok=True)
    (place / "link").write_text(digest)
