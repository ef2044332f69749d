"""Makes the OCI image layouts beside it, one a build, as separate CI jobs would leave them.

`python examples/make_layouts.py` writes them; with `--check` it writes nothing and ends with 1
where a file here differs from what it would write. The bytes depend on nothing but this text.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
CREATED = "2026-01-01T00:00:00Z"
TAG = "1.0"

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
IN_TOTO = "application/vnd.in-toto+json"
PROVENANCE = "https://slsa.dev/provenance/v1"

Json = dict[str, Any]
Files = dict[str, bytes]

BUILDS: dict[str, Json] = {
    "linux-amd64": {"architecture": "amd64", "os": "linux"},
    "linux-arm64": {"architecture": "arm64", "os": "linux"},
    "linux-arm-v7": {"architecture": "arm", "os": "linux", "variant": "v7"},
    "windows-ltsc2022": {"architecture": "amd64", "os": "windows", "os.version": "10.0.20348.2227"},
    "windows-ltsc2025": {"architecture": "amd64", "os": "windows", "os.version": "10.0.26100.1742"},
}
WITH_PROVENANCE = "linux-amd64"


class Layout:
    """The files of one layout, by their paths in it (image-spec, image-layout.md)."""

    def __init__(self) -> None:
        self.files: Files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}

    def add(self, media_type: str, content: bytes, **more: Any) -> Json:
        """Add a blob and give its descriptor."""
        encoded = hashlib.sha256(content).hexdigest()
        self.files[f"blobs/sha256/{encoded}"] = content
        size = len(content)
        return {"mediaType": media_type, "digest": f"sha256:{encoded}", "size": size, **more}

    def add_json(self, media_type: str, value: Json, **more: Any) -> Json:
        """Add a blob of indented JSON and give its descriptor."""
        return self.add(media_type, json.dumps(value, indent=2).encode(), **more)

    def name(self, descriptor: Json) -> None:
        """Make the descriptor the layout's only image, under the tag."""
        named = {**descriptor, "annotations": {"org.opencontainers.image.ref.name": TAG}}
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [named]}
        self.files["index.json"] = json.dumps(index, separators=(",", ":")).encode()


def make_tar(name: str, content: bytes) -> bytes:
    """Make a tar of one file, owned by nobody in particular and of no particular time."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = 0o644
    block = tarfile.BLOCKSIZE
    return member.tobuf(tarfile.USTAR_FORMAT) + content.ljust(block, b"\0") + bytes(2 * block)


def make_gzip(content: bytes) -> bytes:
    """Wrap up to 64 kB as gzip, stored: compressed bytes would depend on the zlib at hand."""
    header = b"\x1f\x8b\x08" + bytes(6) + b"\xff"  # no name, time 0, system unknown
    block = struct.pack("<BHH", 1, len(content), 0xFFFF - len(content)) + content
    return header + block + struct.pack("<II", zlib.crc32(content), len(content))


def add_image(layout: Layout, platform: Json) -> Json:
    """Add config, layer and manifest of a build's image; gives the manifest's descriptor."""
    words = " ".join(str(word) for word in platform.values())
    windows = platform["os"] == "windows"
    tar = make_tar("Files/hello.txt" if windows else "hello", f"Hello from {words}!\n".encode())
    config = {
        "created": CREATED,
        **platform,
        "config": {"WorkingDir": "C:\\" if windows else "/"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}"]},
        "history": [{"created": CREATED, "created_by": "examples/make_layouts.py"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": layout.add_json(CONFIG, config),
        "layers": [layout.add(LAYER, make_gzip(tar))],
    }
    return layout.add_json(MANIFEST, manifest)


def add_provenance(layout: Layout, image: Json) -> Json:
    """Add an attestation of the image, as buildx adds one; gives its manifest's descriptor."""
    statement = {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": PROVENANCE,
        "subject": [{"name": "hello", "digest": {"sha256": image["digest"].partition(":")[2]}}],
        "predicate": {
            "buildDefinition": {"buildType": "https://example.com/make-layouts"},
            "runDetails": {"builder": {"id": ""}},
        },
    }
    layer = layout.add_json(
        IN_TOTO, statement, annotations={"in-toto.io/predicate-type": PROVENANCE}
    )
    config = {
        "architecture": "unknown",
        "os": "unknown",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": layout.add_json(CONFIG, config),
        "layers": [layer],
    }
    return layout.add_json(
        MANIFEST,
        manifest,
        annotations={
            "vnd.docker.reference.digest": image["digest"],
            "vnd.docker.reference.type": "attestation-manifest",
        },
        platform={"architecture": "unknown", "os": "unknown"},
    )


def make_layout(build: str) -> Files:
    """Make the layout of a build: its image, or an index of the image and its provenance."""
    layout, platform = Layout(), BUILDS[build]
    image = add_image(layout, platform)
    if build == WITH_PROVENANCE:
        entries = [{**image, "platform": platform}, add_provenance(layout, image)]
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        image = layout.add_json(INDEX, index)
    layout.name(image)
    return layout.files


def make_all() -> Files:
    """Make every layout: contents by their paths below this folder."""
    layouts = {build: make_layout(build) for build in BUILDS}
    return {
        f"{build}/{path}": content for build in BUILDS for path, content in layouts[build].items()
    }


def present() -> Iterator[str]:
    """List the files that are there, by their paths below this folder."""
    for path in sorted(FOLDER.glob("*/**/*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(FOLDER).as_posix()


def differences(wanted: Files) -> list[str]:
    """Say what is missing, changed or too much here."""
    found = set(present())
    changed = [
        path for path in wanted.keys() & found if (FOLDER / path).read_bytes() != wanted[path]
    ]
    return sorted(
        [f"missing: {path}" for path in wanted.keys() - found]
        + [f"changed: {path}" for path in changed]
        + [f"too much: {path}" for path in found - wanted.keys()]
    )


def write(wanted: Files) -> None:
    """Write the layouts, and remove what earlier ones left behind."""
    for path in set(present()) - wanted.keys():
        (FOLDER / path).unlink()
    for path, content in wanted.items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).write_bytes(content)


def main(arguments: list[str]) -> int:
    """Write the layouts, or with `--check` compare them; gives the exit code."""
    wanted = make_all()
    if arguments == ["--check"]:
        found = differences(wanted)
        sys.stderr.write("".join(f"{line}\n" for line in found))
        return 1 if found else 0
    if arguments:
        sys.stderr.write("usage: python examples/make_layouts.py [--check]\n")
        return 2
    write(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
