"""A registry's storage, filled without the registry: thousands of images in a few seconds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.support.images import Content, digest_of


class Storage:
    """The folder of a docker-registry, in the layout of its filesystem driver."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "docker" / "registry" / "v2"

    def put(self, repository: str, tag: str, image: Content) -> None:
        """Put an image or index, its config and its layers into a repository, and tag it."""
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

    def put_layer(self, repository: str, pieces: Iterable[bytes]) -> dict[str, Any]:
        """Put a layer, of which only a piece is held at a time; give its digest and size."""
        self._root.mkdir(parents=True, exist_ok=True)
        unnamed = self._root / "layer"
        hasher = hashlib.sha256()
        with unnamed.open("wb") as file:
            for piece in pieces:
                hasher.update(piece)
                file.write(piece)
            size = file.tell()
        digest = f"sha256:{hasher.hexdigest()}"
        unnamed.rename(self._file(digest))
        _link(self._root / "repositories" / repository / "_layers", digest)
        return {"digest": digest, "size": size}

    def _keep(self, blob: bytes) -> None:
        self._file(digest_of(blob)).write_bytes(blob)

    def _file(self, digest: str) -> Path:
        """Give where a blob's bytes are; its folder is there afterwards."""
        algorithm, _, word = digest.partition(":")
        folder = self._root / "blobs" / algorithm / word[:2] / word
        folder.mkdir(parents=True, exist_ok=True)
        return folder / "data"


def _link(folder: Path, digest: str) -> None:
    algorithm, _, word = digest.partition(":")
    place = folder / algorithm / word
    place.mkdir(parents=True, exist_ok=True)
    (place / "link").write_text(digest)
