"""Images that a registry refuses for their foreign layers: why is told, and at once."""

import json
from dataclasses import replace
from typing import Any

import pytest

from mbuild.errors import RegistryError
from mbuild.oci.manifest import Content
from mbuild.registry.client import Registry
from mbuild.registry.foreign import explained
from tests.registry.world import Recorder, ask, content_of, error_of
from tests.support.exchange import Answer
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Effect, Fault, status
from tests.support.images import OCI_LAYER, Image, digest_of, make_image, make_index

DIGEST = digest_of(b"layer")
OTHER = digest_of(b"other")
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
URL = "https://example.com/layer"
ALLOW = (
    "let the registry allow that URL (docker-registry: validation.manifests.urls.allow), "
    "or build the image on a base without foreign layers"
)
PUSH = "push it too, with --foreign-layers"


def with_layer(media_type: str, *urls: str) -> Content:
    """An image with one more layer."""
    image: Image = make_image(docker=True)
    manifest = json.loads(image.manifest)
    layer: dict[str, Any] = {"mediaType": media_type, "digest": DIGEST, "size": 5}
    manifest["layers"].append({**layer, "urls": list(urls)} if urls else layer)
    raw = json.dumps(manifest).encode()
    return content_of(replace(image, manifest=raw))


REASONS = {
    "foreign": (with_layer(FOREIGN, URL), f": that layer is foreign, and lies at {URL}; {ALLOW}"),
    "ordinary type": (
        with_layer(OCI_LAYER, URL), f": that layer is foreign, and lies at {URL}; {ALLOW}",
    ),
    "without a URL": (with_layer(FOREIGN), f": that layer is foreign, and has no URL; {PUSH}"),
    "an ordinary layer": (with_layer(OCI_LAYER), ""),
    "an index": (content_of(make_index(make_image())), ""),
    "nothing that can be read": (replace(with_layer(FOREIGN), raw=b"{"), ""),
}  # fmt: skip


@pytest.mark.parametrize(("content", "reason"), REASONS.values(), ids=REASONS)
def test_reason(content: Content, reason: str) -> None:
    """A refusal that names a foreign layer gets its reason, and what to do."""
    error = RegistryError(f"blob unknown {DIGEST}", where="here")
    assert str(explained(error, content)) == f"here: blob unknown {DIGEST}{reason}"


def test_another_reason() -> None:
    """A refusal that names another layer, or none, stays as it is."""
    for message in (f"blob unknown {OTHER}", "no"):
        error = RegistryError(message)
        assert explained(error, with_layer(FOREIGN, URL)) is error


def refuse(code: int) -> Effect:
    """Answer as docker-registry 2.8 does: the layer stands beside an error without a code."""
    unknown = {"code": "UNKNOWN", "message": "unknown error"}
    detail = {"detail": DIGEST, "message": "blob unknown to registry"}
    errors = [unknown, {**unknown, "detail": {}}, {"code": "MANIFEST_BLOB_UNKNOWN", **detail}]
    return lambda _request, _registry: Answer(code, body=json.dumps({"errors": errors}).encode())


async def put(registry: Registry) -> None:
    """Put the image."""
    content = with_layer(FOREIGN, URL)
    await registry.put_manifest("team/app", str(content.digest), content)


@pytest.mark.parametrize("code", [500, 400])
def test_refused(recorder: Recorder, code: int) -> None:
    """A server error that names the layer is no failure that passes, whatever its status."""
    fake = FakeRegistry()
    fake.faults.append(Fault("PUT", "manifests", refuse(code)))
    kind, exit_code, message = error_of(recorder, fake, put)
    assert (kind, exit_code) == ("RegistryError", 6)
    assert f"{DIGEST}): that layer is foreign, and lies at {URL}; {ALLOW}" in message
    assert sum(recorder.waits) < 5


def test_other_server_errors(recorder: Recorder) -> None:
    """A server error that names no layer is met again by another attempt."""
    fake = FakeRegistry()
    fake.faults.append(Fault("PUT", "manifests", status(500), times=1))
    fake.faults.append(Fault("PUT", "manifests", lambda *_: Answer(201)))
    ask(recorder, fake, put)
    assert len(recorder.waits) == 1
