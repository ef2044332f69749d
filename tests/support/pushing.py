"""Images put into a registry, and asked back, with plain httpx: the code under test has no part."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.images import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Content,
    digest_of,
)

ANY_MANIFEST = f"{OCI_INDEX}, {OCI_MANIFEST}, {DOCKER_LIST}, {DOCKER_MANIFEST}"


@contextmanager
def plain_client(
    base_url: str,
    *,
    ca: Path | None = None,
    auth: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[httpx.Client]:
    """An httpx client of one registry that follows nothing and trusts no environment."""
    verify = ssl.create_default_context(cafile=ca) if ca else False
    with httpx.Client(
        base_url=base_url, verify=verify, auth=auth, headers=headers, trust_env=False, timeout=30
    ) as client:
        yield client


def push_image(
    base_url: str,
    repository: str,
    tag: str,
    content: Content,
    *,
    ca: Path | None = None,
    auth: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> str:
    """Push an image or index with all below it, and tag it unless `tag` is empty; give the digest."""
    with plain_client(base_url, ca=ca, auth=auth, headers=headers) as client:
        for child in content.children:
            _push(client, repository, child.digest, child)
        _push(client, repository, tag or content.digest, content)
    return content.digest


def _push(client: httpx.Client, repository: str, reference: str, content: Content) -> None:
    for blob in content.blobs:
        push_blob(client, repository, blob)
    put_manifest(client, repository, reference, content.manifest, content.media_type)


def push_blob(client: httpx.Client, repository: str, blob: bytes) -> str:
    """Upload one blob in one piece; give its digest."""
    opened = client.post(f"/v2/{repository}/blobs/uploads/")
    opened.raise_for_status()
    where = httpx.URL(opened.headers["location"]).copy_add_param("digest", digest_of(blob))
    kind = {"Content-Type": "application/octet-stream"}
    client.put(where, content=blob, headers=kind).raise_for_status()
    return digest_of(blob)


def put_manifest(
    client: httpx.Client, repository: str, reference: str, manifest: bytes, media_type: str
) -> None:
    """Put a manifest at a tag or digest."""
    url = f"/v2/{repository}/manifests/{reference}"
    kind = {"Content-Type": media_type}
    client.put(url, content=manifest, headers=kind).raise_for_status()


def fetch_manifest(
    base_url: str,
    repository: str,
    reference: str,
    *,
    ca: Path | None = None,
    auth: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Ask for a manifest as a client that understands all four kinds; give the answer, whatever."""
    with plain_client(base_url, ca=ca, auth=auth, headers=headers) as client:
        url = f"/v2/{repository}/manifests/{reference}"
        return client.get(url, headers={"Accept": ANY_MANIFEST})


def tags_of(base_url: str, repository: str) -> list[str]:
    """The tags of a repository, sorted; none where it does not exist."""
    with plain_client(base_url) as client:
        answer = client.get(f"/v2/{repository}/tags/list")
    return sorted(answer.json().get("tags") or []) if answer.status_code == 200 else []


def delete_blob(name: str, digest: str) -> None:
    """Take a blob out of the repository `host/path` of a registry without TLS."""
    _delete(name, "blobs", digest)


def delete_manifest(name: str, digest: str) -> None:
    """Take a manifest out of the repository `host/path`, as a clean-up does."""
    _delete(name, "manifests", digest)


def _delete(name: str, kind: str, digest: str) -> None:
    host, _, path = name.partition("/")
    with plain_client(f"http://{host}") as client:
        client.delete(f"/v2/{path}/{kind}/{digest}").raise_for_status()
