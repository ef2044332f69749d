"""Whether all that a tag stands for is there, asked with plain httpx: the program has no part."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.support.images import digest_of
from tests.support.pushing import ANY_MANIFEST

ACCEPT = {"Accept": ANY_MANIFEST}
REF_NAME = "org.opencontainers.image.ref.name"


def tagged_digests(client: httpx.Client, repository: str) -> dict[str, str]:
    """Give each tag of a repository with the digest of the bytes that it answers with."""
    listed = client.get(f"/v2/{repository}/tags/list")
    tags = (listed.json().get("tags") or []) if listed.status_code == 200 else []
    return {tag: digest_of(_manifest(client, repository, tag).content) for tag in tags}


def missing_below(client: httpx.Client, repository: str, reference: str) -> list[str]:
    """Name what a tag or digest stands for and does not find: children, configs, layers.

    Everything is downloaded and hashed; what has other bytes or another size is missing.
    """
    return list(_missing(client, repository, reference))


def _missing(client: httpx.Client, repository: str, reference: str) -> Iterator[str]:
    answer = _manifest(client, repository, reference)
    is_whole = ":" not in reference or digest_of(answer.content) == reference
    if answer.status_code != 200 or not is_whole:
        yield f"{repository}@{reference}"
        return
    manifest = answer.json()
    for digest in _entries(manifest):
        yield from _missing(client, repository, digest)
    for blob in _blobs(manifest):
        found = client.get(f"/v2/{repository}/blobs/{blob['digest']}").content
        if (digest_of(found), len(found)) != (blob["digest"], blob["size"]):
            yield f"{repository}@{blob['digest']}"


def _manifest(client: httpx.Client, repository: str, reference: str) -> httpx.Response:
    return client.get(f"/v2/{repository}/manifests/{reference}", headers=ACCEPT)


def _blobs(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [manifest["config"], *manifest["layers"]] if "layers" in manifest else []


def dangling_tags(client: httpx.Client, repository: str) -> list[str]:
    """Name each tag of a repository below which something is missing, with what it is."""
    return [
        f"{repository}:{tag} lacks {', '.join(missing)}"
        for tag in tagged_digests(client, repository)
        if (missing := missing_below(client, repository, tag))
    ]


def dangling_in_layout(folder: Path) -> list[str]:
    """Name what the tags of a layout stand for and its blobs do not hold; none without index."""
    index = folder / "index.json"
    wanted = _entries(json.loads(index.read_bytes())) if index.exists() else []
    missing = []
    while wanted:
        digest = wanted.pop()
        path = folder / "blobs" / digest.replace(":", "/")
        content = path.read_bytes() if path.exists() else b""
        if digest_of(content) != digest:
            missing.append(digest)
        elif content.startswith(b"{"):
            value = json.loads(content)
            wanted += _entries(value) + [blob["digest"] for blob in _blobs(value)]
    return missing


def tags_in_layout(folder: Path) -> dict[str, str]:
    """Give each tag of a layout with its digest; none without index."""
    index = folder / "index.json"
    entries = json.loads(index.read_bytes())["manifests"] if index.exists() else []
    return {entry["annotations"][REF_NAME]: entry["digest"] for entry in entries}


def _entries(manifest: dict[str, Any]) -> list[str]:
    return [entry["digest"] for entry in manifest.get("manifests", [])]
