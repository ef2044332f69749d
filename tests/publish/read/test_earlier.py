"""Which entries of an index published earlier are as good as new, and which must be read again."""

import pytest

from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import digest_of
from mbuild.oci.index import Index
from mbuild.oci.platform import Platform, parse_platform
from mbuild.publish.read.earlier import find_image, is_listed

DIGEST, OTHER = digest_of(b"one"), digest_of(b"other")
SAME = Descriptor(media_types.OCI_MANIFEST, DIGEST, 3)

CASES = {
    "the same": ("linux/amd64", "linux/amd64", True),
    "by another name": ("linux/arm64", "linux/arm64/v8", True),
    "another architecture": ("linux/amd64", "linux/arm64", False),
    "another variant": ("linux/arm/v7", "linux/arm/v6", False),
    "arm without a variant": ("linux/arm", "linux/arm", False),
    "arm with one": ("linux/arm/v7", "linux/arm", True),
    "windows without a version": ("windows/amd64", "windows/amd64", False),
    "windows with one": ("windows/amd64:10.0.20348.1", "windows/amd64", True),
    "a version no config is likely to tell": ("linux/amd64:6.1", "linux/amd64", False),
    "a version that is wanted": ("linux/amd64:6.1", "linux/amd64:6.1", True),
    "features no config is likely to tell": ("linux(+sse4)/amd64", "linux/amd64", False),
    "features that are wanted": ("linux(+sse4+aes)/amd64", "linux(+aes+sse4)/amd64", True),
    "another version": ("windows/amd64:10.0.20348.1", "windows/amd64:10.0.26100.1", False),
}


@pytest.mark.parametrize(("listed", "wanted", "is_found"), CASES.values(), ids=CASES)
def test_find_image(listed: str, wanted: str, is_found: bool) -> None:
    """An entry is found where it is for what is wanted, and has what its config would tell."""
    entry = Descriptor(SAME.media_type, DIGEST, 3, platform=parse_platform(listed))
    index = Index(media_types.OCI_INDEX, (entry,))
    expected = entry if is_found else None
    assert find_image((index,), SAME, parse_platform(wanted)) == expected


OTHERS = {
    "digest": Descriptor(SAME.media_type, OTHER, 3),
    "size": Descriptor(SAME.media_type, DIGEST, 4),
    "type": Descriptor(media_types.DOCKER_MANIFEST, DIGEST, 3),
}


@pytest.mark.parametrize("descriptor", OTHERS.values(), ids=OTHERS)
def test_another_manifest(descriptor: Descriptor) -> None:
    """Digest, size and type must all be those of the entry."""
    platform = parse_platform("linux/amd64")
    entry = Descriptor(SAME.media_type, DIGEST, 3, platform=platform)
    indexes = (Index(media_types.OCI_INDEX, (entry,)),)
    assert find_image(indexes, descriptor, platform) is None
    assert not is_listed(indexes, descriptor)
    assert is_listed(indexes, SAME)


def test_empty_platform() -> None:
    """An entry whose platform is empty, as artifact tools write them, is read again."""
    empty = Platform("", "")
    entry = Descriptor(SAME.media_type, DIGEST, 3, platform=empty)
    assert find_image((Index(media_types.OCI_INDEX, (entry,)),), SAME, empty) is None


def test_no_platform() -> None:
    """An entry that does not say what it is for is read again; a second index is looked into."""
    platform = parse_platform("linux/amd64")
    entry = Descriptor(SAME.media_type, DIGEST, 3, platform=platform)
    bare = Index(media_types.OCI_INDEX, (SAME,))
    assert find_image((bare,), SAME, platform) is None
    assert find_image((bare, Index(media_types.OCI_INDEX, (entry,))), SAME, platform) == entry
