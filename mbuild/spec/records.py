"""What a spec says of images that builds have noted: which files hold their names, not what."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, TypeGuard

from mbuild.oci.reference import AnyReference
from mbuild.spec.problems import Problems
from mbuild.spec.references import read_path, read_repository
from mbuild.spec.spec import Destination, Digests, Metadata
from mbuild.spec.tree import Text

if TYPE_CHECKING:
    from mbuild.spec.entry_model import DigestsShape, LongSource, MetadataSource

_SPECIAL = re.compile(r"[*?\[]")


def is_metadata(item: LongSource | MetadataSource) -> TypeGuard[MetadataSource]:
    """Tell whether the item names a metadata file; pydantic itself is not needed here."""
    return hasattr(item, "metadata")


def read_metadata_record(item: MetadataSource, folder: str, problems: Problems) -> Metadata | None:
    """Read which file is meant, what of it, and in which repository the image is."""
    text = item.metadata
    is_glob = bool(_SPECIAL.search(text))
    # In a glob the spec's own folder stands for itself.
    root = _SPECIAL.sub(r"[\g<0>]", folder) if is_glob else folder
    file = problems.attempt(text, "bad-path", partial(read_path, text, root))
    repository = _repository(item.image, folder, problems)
    if file is None or (item.image is not None and repository is None):
        return None
    return Metadata(
        file, text.position, is_glob=is_glob, target=str(item.target or ""), repository=repository
    )


def read_digests(
    shape: DigestsShape, folder: str, home: Destination | None, problems: Problems
) -> tuple[Digests, ...]:
    """Read which folder is meant; `home` is where its images are, unless another place is named."""
    text = shape.dir
    path = problems.attempt(text, "bad-path", partial(read_path, text, folder))
    if shape.image is not None:
        repository = _repository(shape.image, folder, problems)
    else:
        repository = home.repository if home else None
    if path is None or repository is None:
        return ()
    return (Digests(path, repository, text.position),)


def _repository(image: Text | None, folder: str, problems: Problems) -> AnyReference | None:
    if image is None:
        return None
    return problems.attempt(image, "bad-reference", partial(read_repository, image, folder))
