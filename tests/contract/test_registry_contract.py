"""One contract for the real registry and the fake: what holds for one holds for the other."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.docker_registry import DockerRegistry
from tests.support.fake_edges import serve_fake
from tests.support.fake_registry import FakeRegistry
from tests.support.images import (
    DOCKER_LIST,
    OCI_INDEX,
    OCI_MANIFEST,
    digest_of,
    make_image,
    make_index,
)
from tests.support.pushing import ANY_MANIFEST, plain_client, push_blob, push_image, put_manifest

IMAGE = make_image("linux/amd64", layers=2)
ARM = make_image("linux/arm64")
INDEX = make_index(IMAGE, ARM, attestations=True)
BLOB = b"0123456789"
ABSENT = digest_of(b"absent")
EVERYTHING = {"Accept": ANY_MANIFEST}


@pytest.fixture(params=["docker-registry", "fake"])
def url(request: pytest.FixtureRequest, registry: DockerRegistry) -> Iterator[str]:
    """The address of each registry in turn."""
    if request.param == "fake":
        with serve_fake(FakeRegistry()) as server:
            yield server.url
    else:
        yield registry.url


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    """A plain client of the registry."""
    with plain_client(url) as client:
        yield client


def codes(answer: httpx.Response) -> list[str]:
    """The error codes of an answer."""
    return [error["code"] for error in answer.json()["errors"]]


def test_ping(client: httpx.Client) -> None:
    """The API's root answers an empty object."""
    answer = client.get("/v2/")
    assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("reference", ["1.0", INDEX.digest])
def test_manifest_comes_back(
    url: str, client: httpx.Client, repository: str, method: str, reference: str
) -> None:
    """An index is answered by tag and by digest with its bytes, type, digest and length."""
    push_image(url, repository, "1.0", INDEX)
    answer = client.request(method, f"/v2/{repository}/manifests/{reference}", headers=EVERYTHING)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == OCI_INDEX
    assert answer.headers["docker-content-digest"] == INDEX.digest
    assert int(answer.headers["content-length"]) == INDEX.size
    assert answer.content == (INDEX.manifest if method == "GET" else b"")


@pytest.mark.parametrize("reference", ["absent", ABSENT])
def test_manifest_unknown(client: httpx.Client, repository: str, reference: str) -> None:
    """A manifest that is not there is a 404 with its code, in a repository that is not there too."""
    answer = client.get(f"/v2/{repository}/manifests/{reference}", headers=EVERYTHING)
    assert (answer.status_code, codes(answer)) == (404, ["MANIFEST_UNKNOWN"])


@pytest.mark.parametrize("content", [IMAGE, INDEX], ids=["manifest", "index"])
@pytest.mark.parametrize("accept", ["", "*/*", DOCKER_LIST])
def test_manifest_not_accepted(
    url: str, client: httpx.Client, repository: str, content: object, accept: str
) -> None:
    """An OCI manifest or index that the client does not accept by name is as good as absent."""
    assert content in (IMAGE, INDEX)
    push_image(url, repository, "1.0", INDEX if content is INDEX else IMAGE)
    answer = client.get(f"/v2/{repository}/manifests/1.0", headers={"Accept": accept})
    assert (answer.status_code, codes(answer)) == (404, ["MANIFEST_UNKNOWN"])


def test_docker_list_not_accepted(url: str, client: httpx.Client, repository: str) -> None:
    """A client that knows no lists gets the list's linux/amd64 child by tag."""
    child = make_image("linux/amd64", docker=True)
    held = make_index(make_image("linux/s390x", docker=True), child, docker=True)
    push_image(url, repository, "1.0", held)
    accept = {"Accept": child.media_type}
    answer = client.get(f"/v2/{repository}/manifests/1.0", headers=accept)
    assert answer.content == child.manifest
    assert answer.headers["docker-content-digest"] == child.digest


def test_put_manifest(client: httpx.Client, repository: str) -> None:
    """A manifest that was put is answered 201 with its digest and its place."""
    for blob in IMAGE.blobs:
        push_blob(client, repository, blob)
    url = f"/v2/{repository}/manifests/1.0"
    kind = {"Content-Type": OCI_MANIFEST}
    answer = client.put(url, content=IMAGE.manifest, headers=kind)
    assert answer.status_code == 201
    assert answer.headers["docker-content-digest"] == IMAGE.digest
    assert answer.headers["location"].endswith(f"/v2/{repository}/manifests/{IMAGE.digest}")


@pytest.mark.parametrize(
    ("reference", "body", "media_type", "code"),
    [
        ("1.0", INDEX.manifest, OCI_INDEX, "MANIFEST_BLOB_UNKNOWN"),
        ("1.0", IMAGE.manifest, OCI_MANIFEST, "MANIFEST_BLOB_UNKNOWN"),
        ("1.0", b"no JSON", OCI_MANIFEST, "MANIFEST_INVALID"),
        ("1.0", IMAGE.manifest, "text/plain", "MANIFEST_INVALID"),
        ("1.0", IMAGE.manifest, OCI_INDEX, "MANIFEST_INVALID"),
        (ABSENT, IMAGE.manifest, OCI_MANIFEST, "DIGEST_INVALID"),
    ],
    ids=["no child", "no blob", "no JSON", "unknown type", "other type", "other digest"],
)
def test_put_manifest_refused(
    client: httpx.Client, repository: str, reference: str, body: bytes, media_type: str, code: str
) -> None:
    """A manifest is refused when what it names is missing, or when it is not what is said of it."""
    answer = client.put(
        f"/v2/{repository}/manifests/{reference}",
        content=body,
        headers={"Content-Type": media_type},
    )
    assert (answer.status_code, codes(answer)[0]) == (400, code)


def test_tag_moves(url: str, client: httpx.Client, repository: str) -> None:
    """A tag that is put again holds the new manifest; the old one stays, by digest."""
    push_image(url, repository, "1.0", IMAGE)
    push_image(url, repository, "1.0", ARM)
    tagged = client.get(f"/v2/{repository}/manifests/1.0", headers=EVERYTHING)
    old = client.get(f"/v2/{repository}/manifests/{IMAGE.digest}", headers=EVERYTHING)
    assert (tagged.content, old.content) == (ARM.manifest, IMAGE.manifest)


def test_delete_manifest(url: str, client: httpx.Client, repository: str) -> None:
    """A manifest deleted by digest is gone, and its tag with it; a second time it is unknown."""
    push_image(url, repository, "1.0", IMAGE)
    place = f"/v2/{repository}/manifests/{IMAGE.digest}"
    assert client.delete(place).status_code == 202
    assert client.get(f"/v2/{repository}/manifests/1.0", headers=EVERYTHING).status_code == 404
    assert client.delete(place).status_code == 404


def test_list_tags(url: str, client: httpx.Client, repository: str) -> None:
    """Tags are listed, in no certain order; a repository without any content is unknown."""
    unknown = client.get(f"/v2/{repository}/tags/list")
    assert (unknown.status_code, codes(unknown)) == (404, ["NAME_UNKNOWN"])
    push_image(url, repository, "b", IMAGE)
    push_image(url, repository, "a", IMAGE)
    assert sorted(client.get(f"/v2/{repository}/tags/list").json()["tags"]) == ["a", "b"]


def test_blob_comes_back(client: httpx.Client, repository: str) -> None:
    """A blob is answered whole, by its length alone, and in part."""
    place = f"/v2/{repository}/blobs/{push_blob(client, repository, BLOB)}"
    whole, head = client.get(place), client.head(place)
    part = client.get(place, headers={"Range": "bytes=2-4"})
    rest = client.get(place, headers={"Range": "bytes=8-"})
    assert (whole.status_code, whole.content) == (200, BLOB)
    assert whole.headers["docker-content-digest"] == digest_of(BLOB)
    assert (head.status_code, head.headers["content-length"]) == (200, "10")
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["content-range"] == "bytes 2-4/10"
    assert (rest.status_code, rest.content) == (206, b"89")


def test_blob_range_beyond_the_end(client: httpx.Client, repository: str) -> None:
    """A part that begins behind the end is a 416 (docker-registry then sends no body it promised)."""
    place = f"/v2/{repository}/blobs/{push_blob(client, repository, BLOB)}"
    with client.stream("GET", place, headers={"Range": "bytes=10-"}) as answer:
        assert answer.status_code == 416


def test_blob_unknown(client: httpx.Client, repository: str) -> None:
    """A blob that is not there is a 404 with its code, and HEAD says the same without a body."""
    place = f"/v2/{repository}/blobs/{ABSENT}"
    answer = client.get(place)
    assert (answer.status_code, codes(answer)) == (404, ["BLOB_UNKNOWN"])
    assert client.head(place).status_code == 404


def test_upload_in_parts(client: httpx.Client, repository: str) -> None:
    """A blob sent in two parts and closed with its digest is there; each step renews the place."""
    opened = client.post(f"/v2/{repository}/blobs/uploads/")
    kind = {"Content-Type": "application/octet-stream"}
    first = client.patch(opened.headers["location"], content=BLOB[:4], headers=kind)
    asked = client.get(first.headers["location"])
    span = {**kind, "Content-Range": "4-9"}
    second = client.patch(asked.headers["location"], content=BLOB[4:], headers=span)
    where = httpx.URL(second.headers["location"]).copy_add_param("digest", digest_of(BLOB))
    closed = client.put(where)
    assert [opened.status_code, first.status_code, asked.status_code] == [202, 202, 204]
    assert [opened.headers["range"], first.headers["range"]] == ["0-0", "0-3"]
    assert [asked.headers["range"], second.headers["range"]] == ["0-3", "0-9"]
    assert (closed.status_code, closed.headers["docker-content-digest"]) == (201, digest_of(BLOB))
    assert client.get(f"/v2/{repository}/blobs/{digest_of(BLOB)}").content == BLOB


def test_upload_streamed(client: httpx.Client, repository: str) -> None:
    """A body of unknown length is taken in one PATCH."""
    opened = client.post(f"/v2/{repository}/blobs/uploads/")
    kind = {"Content-Type": "application/octet-stream"}
    sent = client.patch(opened.headers["location"], content=iter([BLOB, BLOB]), headers=kind)
    where = httpx.URL(sent.headers["location"]).copy_add_param("digest", digest_of(BLOB * 2))
    assert client.put(where).status_code == 201


def test_upload_of_other_bytes(client: httpx.Client, repository: str) -> None:
    """A blob that does not hash to the digest it is closed with is refused."""
    opened = client.post(f"/v2/{repository}/blobs/uploads/")
    where = httpx.URL(opened.headers["location"]).copy_add_param("digest", ABSENT)
    kind = {"Content-Type": "application/octet-stream"}
    answer = client.put(where, content=BLOB, headers=kind)
    assert (answer.status_code, codes(answer)) == (400, ["DIGEST_INVALID"])


def test_upload_cancelled(client: httpx.Client, repository: str) -> None:
    """A cancelled upload is unknown afterwards."""
    place = client.post(f"/v2/{repository}/blobs/uploads/").headers["location"]
    assert client.delete(place).status_code == 204
    answer = client.get(place)
    assert (answer.status_code, codes(answer)) == (404, ["BLOB_UPLOAD_UNKNOWN"])


def test_mount(client: httpx.Client, repository: str) -> None:
    """A blob of another repository is mounted at once, and then answered."""
    digest = push_blob(client, f"{repository}/source", BLOB)
    asked = {"mount": digest, "from": f"{repository}/source"}
    answer = client.post(f"/v2/{repository}/blobs/uploads/", params=asked)
    assert (answer.status_code, answer.headers["docker-content-digest"]) == (201, digest)
    assert client.get(f"/v2/{repository}/blobs/{digest}").content == BLOB


def test_mount_of_an_absent_blob(client: httpx.Client, repository: str) -> None:
    """A blob that cannot be mounted opens an upload instead."""
    asked = {"mount": ABSENT, "from": f"{repository}/source"}
    answer = client.post(f"/v2/{repository}/blobs/uploads/", params=asked)
    assert answer.status_code == 202
    assert "/blobs/uploads/" in answer.headers["location"]


def test_blob_of_another_repository(client: httpx.Client, repository: str) -> None:
    """A manifest whose blobs only another repository holds is refused."""
    for blob in IMAGE.blobs:
        push_blob(client, f"{repository}/source", blob)
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        put_manifest(client, repository, "1.0", IMAGE.manifest, IMAGE.media_type)
