"""The manifest.json of a docker archive: what it names, and which image a reference means."""

import json

import pytest

from mbuild.oci.digest import digest_of
from mbuild.store.archive.docker_manifest import (
    Saved,
    choose_saved,
    hash_in_name,
    name_of,
    parse_diff_ids,
    parse_saved,
)

HEX = "ab" * 32
APP = Saved("a.json", ("a/layer.tar",), ("app:1", "registry.test:5000/team/app:1"))
WEB = Saved("w.json", (), ("docker.io/library/web:latest", "Not A Name"))
BARE = Saved("b.json", ())
ALL = (APP, WEB, BARE)


def test_parse() -> None:
    """Each element is an image; names and layers may be missing or null."""
    raw = json.dumps(
        [
            {"Config": "a.json", "RepoTags": ["app:1"], "Layers": ["l"], "Parent": "sha256:0"},
            {"Config": "b.json", "RepoTags": None},
        ]
    ).encode()
    assert parse_saved(raw) == (Saved("a.json", ("l",), ("app:1",)), Saved("b.json", ()))
    assert parse_saved(b"[]") == ()


BROKEN = {
    "no list": (b"{}", "manifest.json: not a JSON list"),
    "no JSON": (b"[", "manifest.json: not JSON: Expecting value at line 1 column 2"),
    "no object": (b"[1]", "manifest.json, [0] is not an object"),
    "no config": (b'[{"Layers": []}]', "in manifest.json, [0]: 'Config' is missing"),
    "layers": (
        b'[{"Config": "a", "Layers": [1]}]',
        "in manifest.json, [0]: 'Layers' is not a list of strings",
    ),
    "twice": (b'[{"Config": "a", "Config": "b"}]', "manifest.json: key 'Config' stands twice"),
}


@pytest.mark.parametrize(("raw", "message"), BROKEN.values(), ids=BROKEN)
def test_broken(raw: bytes, message: str) -> None:
    """What is wrong is named, with its place."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_saved(raw)
    assert caught.value.args[0] == message


CHOICES = {
    "": (0, 1, 2),
    "app:1": (0,),
    "docker.io/library/app:1": (0,),
    "registry.test:5000/team/app:1": (0,),
    "app": (),
    "web": (1,),
    "web:latest": (1,),
    "team/app:1": (),
    "@0": (0,),
    "@2": (2,),
    "@3": (),
}


@pytest.mark.parametrize(("ref", "expected"), CHOICES.items(), ids=CHOICES)
def test_choices(ref: str, expected: tuple[int, ...]) -> None:
    """An image is meant by each of its names, however written, or by its place."""
    assert choose_saved(ALL, ref) == expected


def test_names() -> None:
    """An image is called by its first name, or by its place."""
    assert [name_of(ALL, number) for number in range(3)] == [
        "app:1",
        "docker.io/library/web:latest",
        "@2",
    ]


def test_names_of_several() -> None:
    """A name that another image has too, however it is written, tells neither of them."""
    saved = [Saved("a", (), ("app:1",)), Saved("b", (), ("docker.io/library/app:1", "app:2"))]
    assert [name_of(saved, number) for number in range(2)] == ["@0", "app:2"]


HASHED = {
    f"{HEX}.json": True,
    f"sha256:{HEX}": True,
    f"blobs/sha256/{HEX}": True,
    HEX: True,
    f"{HEX}/layer.tar": False,
    f"{HEX}.tar.gz": False,
    "config.json": False,
    f"{HEX}0.json": False,
}


@pytest.mark.parametrize(("name", "is_hash"), HASHED.items(), ids=HASHED)
def test_hash_in_name(name: str, is_hash: bool) -> None:
    """These are names by the hash of what they hold, in each tool's form."""
    assert (str(hash_in_name(name)) == f"sha256:{HEX}") is is_hash


def test_diff_ids() -> None:
    """The digests of the unpacked layers stand in the config; there may be none."""
    digest = digest_of(b"layer")
    assert parse_diff_ids(json.dumps({"rootfs": {"diff_ids": [str(digest)]}}).encode()) == (digest,)
    assert parse_diff_ids(b"{}") == ()
    with pytest.raises(ValueError, match="is not a digest"):
        parse_diff_ids(b'{"rootfs": {"diff_ids": ["abc"]}}')
