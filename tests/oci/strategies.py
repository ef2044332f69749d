"""Values of the OCI room at random, as hypothesis draws them."""

from hypothesis import strategies as st

from mbuild.oci import media_types
from mbuild.oci.descriptor import Annotations, Descriptor, make_annotations
from mbuild.oci.digest import Digest
from mbuild.oci.index import Index
from mbuild.oci.platform import ARCHITECTURE_NAMES, OS_NAMES, Platform

HEX_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
VARIANTS = ("", "v1", "v2", "v5", "v6", "v7", "v8", "V8", "v8.0", "v9.0", "5", "6", "7", "8", "9")


@st.composite
def digests(draw: st.DrawFn) -> Digest:
    """Digests of each algorithm."""
    algorithm = draw(st.sampled_from(sorted(HEX_DIGITS)))
    size = HEX_DIGITS[algorithm]
    return Digest(algorithm, draw(st.text("0123456789abcdef", min_size=size, max_size=size)))


def texts() -> st.SearchStrategy[str]:
    """Any Unicode text, control characters too, but no halves of UTF-16 pairs."""
    return st.text(st.characters(codec="utf-8"), max_size=12)


def filled_texts() -> st.SearchStrategy[str]:
    """Any text that is not empty."""
    return texts().filter(bool)


def os_versions() -> st.SearchStrategy[str]:
    """Words that can be an os.version, or empty."""
    return st.from_regex(r"(?:[0-9A-Za-z][0-9A-Za-z._-]{0,10})?", fullmatch=True)


def platforms() -> st.SearchStrategy[Platform]:
    """Platforms as they stand in images: aliases, upper case and odd variants too."""
    return st.builds(
        Platform,
        os=st.sampled_from(sorted(OS_NAMES)) | st.just("Linux"),
        architecture=st.sampled_from(sorted(ARCHITECTURE_NAMES)) | st.just("ARM64"),
        variant=st.sampled_from(VARIANTS),
        os_version=os_versions(),
        os_features=st.lists(st.sampled_from(("win32k", "gpu", "erofs")), max_size=3).map(tuple),
    )


def annotations() -> st.SearchStrategy[Annotations]:
    """Annotations, sorted as they always are."""
    return st.dictionaries(texts(), texts(), max_size=3).map(make_annotations)


def image_types() -> st.SearchStrategy[str]:
    """Media types of an index's entries."""
    return st.sampled_from(sorted(media_types.IMAGE_MANIFESTS | media_types.INDEXES))


def docker_descriptors() -> st.SearchStrategy[Descriptor]:
    """Descriptors that a Docker list can hold."""
    return st.builds(
        Descriptor,
        media_type=image_types(),
        digest=digests(),
        size=st.integers(0, 2**63 - 1),
        platform=st.none() | platforms(),
        urls=st.lists(texts(), max_size=2).map(tuple),
    )


def descriptors() -> st.SearchStrategy[Descriptor]:
    """Descriptors with every field of an OCI index's entry."""
    return st.builds(
        Descriptor,
        media_type=filled_texts(),
        digest=digests(),
        size=st.integers(0, 2**63 - 1),
        platform=st.none() | platforms(),
        annotations=annotations(),
        urls=st.lists(texts(), max_size=2).map(tuple),
        data=st.sampled_from(("", "e30=")),
        artifact_type=texts(),
    )


def indexes() -> st.SearchStrategy[Index]:
    """OCI indexes and Docker lists."""
    oci = st.builds(
        Index,
        media_type=st.just(media_types.OCI_INDEX),
        manifests=st.lists(descriptors(), max_size=4).map(tuple),
        annotations=annotations(),
        artifact_type=texts(),
        subject=st.none() | descriptors(),
    )
    docker = st.builds(
        Index,
        media_type=st.just(media_types.DOCKER_LIST),
        manifests=st.lists(docker_descriptors(), max_size=4).map(tuple),
    )
    return oci | docker
