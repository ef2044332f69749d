"""Specs as text, for the tests that run the program."""

from collections.abc import Mapping, Sequence
from pathlib import Path

SPEC = "manifests.yaml"


def write_spec(
    folder: Path,
    image: str,
    platforms: Mapping[str, str],
    *,
    tags: Sequence[str] = (),
    more: str = "",
) -> Path:
    """Write `manifests.yaml`: the image on line 1, then tags if any, platforms, and `more`."""
    lines = [f"image: {image}"]
    if tags:
        lines.append(f"tags: [{', '.join(tags)}]")
    lines.append("platforms:")
    lines += [f"  {platform}: {source}" for platform, source in platforms.items()]
    path = folder / SPEC
    path.write_text("\n".join([*lines, more]).rstrip("\n") + "\n")
    return path
