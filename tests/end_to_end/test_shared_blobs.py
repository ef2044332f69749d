"""Two hundred small images with one base layer: no blob travels twice, counted at the wire."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import Result, run_mbuild
from tests.support.exchange import RequestLog
from tests.support.fake_edges import serve_fake
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault, no_mount
from tests.support.images import Image, digest_of, make_image, with_base

PLATFORMS = ("linux/amd64", "linux/arm64", "linux/s390x", "linux/ppc64le")
INDEXES = 50
(BASE,) = make_image(seed="base", size=10_000).layers


def images_of(number: int) -> dict[str, Image]:
    """The four images of an index, each of a base layer, two of its own, and a config."""
    made = {one: make_image(one, layers=2, seed=number) for one in PLATFORMS}
    return {platform: with_base(image, BASE) for platform, image in made.items()}


@pytest.fixture(scope="module")
def source() -> Iterator[tuple[FakeRegistry, str]]:
    """A registry with all images in one repository, and its address."""
    fake = FakeRegistry()
    for number in range(INDEXES):
        for platform, image in images_of(number).items():
            fake.put("builds", f"{number}-{platform.replace('/', '-')}", image)
    with serve_fake(fake) as server:
        yield fake, server.host


def push(folder: Path, source: str, names: list[str], *more: str) -> Result:
    """Push every index to its target, four images each."""
    targets = [
        {
            "image": name,
            "platforms": {
                one: f"{source}/builds:{number}-{one.replace('/', '-')}" for one in PLATFORMS
            },
        }
        for number, name in enumerate(names)
    ]
    (folder / "spec.yaml").write_text(json.dumps({"images": targets}))
    result = run_mbuild("push", "spec.yaml", "--output", "json", *more, cwd=folder)
    assert result.code == 0, result.stderr
    return result


def most_often(log: RequestLog, method: str, part: str) -> int:
    """How often the request that was sent most often was sent."""
    return max(Counter(one.path for one in log.asked(method, part)).values(), default=0)


def uploads(log: RequestLog) -> Counter[str]:
    """How often each blob was stored."""
    return Counter(one.request.query["digest"] for one in log.asked("PUT", "/uploads/"))


def copied(result: Result, what: str) -> int:
    """How many blobs were sent, or mounted, in all."""
    return sum(target["copied"][what] for target in json.loads(result.stdout)["targets"])


@pytest.mark.parametrize("is_apart", [False, True], ids=["one repository", "a repository each"])
def test_to_another_registry(
    source: tuple[FakeRegistry, str], tmp_path: Path, *, is_apart: bool
) -> None:
    """Each blob is read once and sent once, the base layer too, wherever it is wanted."""
    origin, host = source
    origin.log.clear()
    target = FakeRegistry()
    with serve_fake(target) as server:
        path = "app-{0}" if is_apart else "app:{0}"
        names = [f"{server.host}/{path.format(number)}" for number in range(INDEXES)]
        result = push(tmp_path, host, names)
    blobs = 1 + 3 * len(PLATFORMS) * INDEXES
    stored = uploads(target.log)
    assert (len(stored), set(stored.values())) == (blobs, {1})
    assert stored[digest_of(BASE)] == 1
    assert most_often(origin.log, "GET", "/blobs/") == 1
    assert most_often(target.log, "HEAD", "/blobs/") == 1
    assert copied(result, "blobs") == blobs
    assert copied(result, "mounted") == (INDEXES - 1 if is_apart else 0)


def test_within_a_registry(source: tuple[FakeRegistry, str], tmp_path: Path) -> None:
    """In the same registry every blob is mounted once, and no byte of a layer is read."""
    origin, host = source
    origin.log.clear()
    result = push(tmp_path, host, [f"{host}/app:{number}" for number in range(INDEXES)])
    blobs = 1 + 3 * len(PLATFORMS) * INDEXES
    assert (copied(result, "mounted"), copied(result, "blobs")) == (blobs, 0)
    layers = {digest_of(layer) for number in range(INDEXES) for image in images_of(number).values()
              for layer in image.layers}  # fmt: skip
    read = {one.path.rpartition("/")[2] for one in origin.log.asked("GET", "/blobs/")}
    assert not layers & read
    assert len(origin.log.asked("POST", "/uploads/")) == blobs


@pytest.mark.parametrize("code", [202, 400, 401, 403, 404, 405, 501])
def test_declined_mounts(tmp_path: Path, code: int) -> None:
    """Where the registry does not mount, `-v` says so once, and blobs are copied once each."""
    fake = FakeRegistry(Fault("POST", "/app/blobs/uploads/", no_mount(code)))
    for platform, image in images_of(0).items():
        fake.put("builds", f"0-{platform.replace('/', '-')}", image)
    with serve_fake(fake) as server:
        result = push(tmp_path, server.host, [f"{server.host}/app:1"], "-v")
        told = result.told(server.host)
    (note,) = (line for line in told if line.startswith("note: "))
    assert note.startswith("note: HOST declined to mount from builds into app (")
    assert note.endswith("): blobs are copied")
    assert str(code) in note
    stored = uploads(fake.log)
    assert (len(stored), set(stored.values())) == (1 + 3 * len(PLATFORMS), {1})
    assert most_often(fake.log, "GET", "/blobs/") == 1
    # An upload that a declined mount has opened serves for the copy.
    posts = fake.log.asked("POST", "/app/blobs/uploads/")
    assert len(posts) == len(stored) if code == 202 else len(posts) > len(stored)
