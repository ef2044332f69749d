"""Documents to drafts: keys, types, defaults; what is wrong is told, the rest still judged."""

import pytest

from mbuild.spec import structure
from mbuild.spec.entry_model import keys_of
from mbuild.spec.model import DocumentShape, TargetShape
from tests.spec.reading import codes, complaints, read, read_target

KEYS = (
    *("image", "images", "tags", "platforms", "source", "sources", "manifests", "format"),
    *("annotations", "attestations", "require", "platform", "optional", "trust", "os"),
    *("architecture", "variant", "os.version", "os.features", "linux/amd64", "windows/amd64"),
)
REST = "\nimage: app\nsources: [a]"
FORMS_OF_ENTRIES = (
    "must be an image's reference, a mapping with 'image' or 'metadata', or a list of these"
)
OF_TARGET, OF_DOCUMENT = (
    ", ".join(sorted(keys_of(shape))) for shape in (TargetShape, DocumentShape)
)

BROKEN = {
    "unknown key": ("taggs: [a]" + REST, "1:1: unknown key 'taggs'; did you mean 'tags'?"),
    "key like no other": (
        "zzz: a" + REST,
        f"1:1: unknown key 'zzz'; known here: {OF_DOCUMENT}",
    ),
    "very long key": (
        "z" * 300 + ": a" + REST,
        f"1:1: unknown key '{'z' * 200}'…; known here: {OF_DOCUMENT}",
    ),
    "key with a control character": (
        '"a\\nb": c' + REST,
        f"1:1: unknown key 'a\\nb'; known here: {OF_DOCUMENT}",
    ),
    "key in an entry": (
        "image: app\nplatforms:\n  linux/amd64: {image: a, optinal: true}",
        "3:27: unknown key 'optinal'; did you mean 'optional'?",
    ),
    "key in a listed entry": (
        "image: app\nplatforms:\n  windows/amd64: [{image: a, os_version: '1'}]",
        "3:30: unknown key 'os_version'; did you mean 'os.version'?",
    ),
    "key of an entry in a source": (
        "image: app\nsources: [{image: a, os.version: '1'}]",
        "2:22: unknown key 'os.version'; known here: annotations, image, metadata, optional, trust",
    ),
    "key in a manifest": (
        "image: app\nmanifests: [{image: a, platfrom: linux/amd64}]",
        "2:24: unknown key 'platfrom'; did you mean 'platform'?",
    ),
    "CPU features": (
        "image: app\nmanifests:\n- {image: a, platform: {os: linux, architecture: arm, features: [b]}}",
        "3:55: unknown key 'features'; no client looks at CPU features, leave it out",
    ),
    "extension inside an image": (
        "images:\n- {image: app, sources: [a], x-a: b}",
        f"2:30: unknown key 'x-a'; known here: {OF_TARGET}",
    ),
    "later work": (
        "later: a" + REST,
        f"1:1: unknown key 'later'; known here: {OF_DOCUMENT}",
    ),
    "image missing in an entry": (
        "image: app\nplatforms:\n  linux/amd64: {optional: true}",
        "3:16: no 'image' is given here",
    ),
    "image misspelt in an entry": (
        "image: app\nplatforms:\n  linux/amd64: {imag: a}",
        "3:17: unknown key 'imag'; did you mean 'image'?",
    ),
    "image of a wrong type in an entry": (
        "image: app\nplatforms:\n  linux/amd64: {image: [a]}",
        "3:24: 'image' must be one text, not a list",
    ),
    "platform without os": (
        "image: app\nmanifests:\n- {image: a, platform: {architecture: arm}}",
        "3:24: no 'os' is given here",
    ),
    "os without a value": (
        "image: app\nmanifests:\n- {image: a, platform: {architecture: arm, os: }}",
        "3:48: no 'os' is given here",
    ),
    "image without a value in an entry": (
        "image: app\nsources: [{image: ~}]",
        "2:19: no 'image' is given here",
    ),
    "platform of a wrong type": (
        "image: app\nmanifests: [{image: a, platform: [b]}]",
        (
            "2:34: 'platform' must be os/arch[/variant], or a mapping with 'os' and 'architecture', "
            "not a list"
        ),
    ),
    "manifest as text": (
        "image: app\nmanifests: [a]",
        "2:13: an item of 'manifests' must be a mapping, not 'a'",
    ),
    "entry without a value": (
        "image: app\nplatforms:\n  linux/amd64:",
        f"3:15: 'linux/amd64' {FORMS_OF_ENTRIES}, not nothing",
    ),
    "list in a list of entries": (
        "image: app\nplatforms:\n  windows/amd64: [[a]]",
        (
            "3:19: an item of 'windows/amd64' must be an image's reference, or a mapping with "
            "'image' or 'metadata', not a list"
        ),
    ),
    "image is a mapping": (
        "image: {a: b}\nsources: [a]",
        "1:8: 'image' must be a reference, or a list of references, not a mapping",
    ),
    "item of image": (
        "image: [app, [b]]\nsources: [a]",
        "1:14: an item of 'image' must be one text, not a list",
    ),
    "tags is a text": ("tags: a" + REST, "1:7: 'tags' must be a list, not 'a'"),
    "tag is nothing": (
        "tags: [a, ]\nrequire: [~]" + REST,
        "2:11: an item of 'require' must be one text, not nothing",
    ),
    "platforms is a text": (
        "image: app\nplatforms: linux/amd64",
        (
            "2:12: 'platforms' must be a mapping of platforms to images, or a list of platforms, "
            "not 'linux/amd64'"
        ),
    ),
    "sources is a mapping": (
        "image: app\nsources: {linux/amd64: a}",
        "2:10: 'sources' must be a list, not a mapping",
    ),
    "annotations is a list": (
        "annotations: [a=b]" + REST,
        "1:14: 'annotations' must be a mapping, not a list",
    ),
    "annotation is nothing": (
        "annotations: {a: }" + REST,
        "1:18: 'a' must be one text, not nothing",
    ),
    "format": (
        "format: dockr" + REST,
        "1:9: 'format' must be 'auto', 'oci' or 'docker', not 'dockr'; did you mean 'docker'?",
    ),
    "format is a list": (
        "format: [oci]" + REST,
        "1:9: 'format' must be 'auto', 'oci' or 'docker', not a list",
    ),
    "attestations": (
        "attestations: drop" + REST,
        "1:15: 'attestations' must be 'keep', 'strip' or 'require', not 'drop'",
    ),
    "referrers": (
        "referrers: keep" + REST,
        "1:12: 'referrers' must be 'leave' or 'copy', not 'keep'",
    ),
    "trust": (
        "image: app\nsources: [{image: a, trust: me}]",
        "2:29: 'trust' must be 'config' or 'spec', not 'me'",
    ),
    "optional": (
        "image: app\nsources: [{image: a, optional: yes}]",
        "2:32: 'optional' must be true or false, not 'yes'",
    ),
    "optional is an empty list": (
        "image: app\nsources: [{image: a, optional: []}]",
        "2:32: 'optional' must be true or false, not an empty list",
    ),
    "spec is a text": (
        "hello",
        "1:1: a spec must be a mapping of keys such as 'image', not 'hello'",
    ),
    "spec is a list": (
        "- image: a",
        "1:1: a spec must be a mapping of keys such as 'image', not a list",
    ),
    "images is a mapping": (
        "images: {image: a}",
        "1:9: 'images' must be a list of targets, not a mapping",
    ),
    "images is empty": ("images: []", "1:9: 'images' must be a list of targets, not an empty list"),
    "images is nothing": ("images:", "1:8: 'images' must be a list of targets, not nothing"),
    "item of images": (
        "images: [a]",
        "1:10: a target must be a mapping of keys such as 'image', not 'a'",
    ),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_wrong_keys_and_types_are_one_problem_each(text: str, message: str) -> None:
    """One line at the very place, and no follow-on noise."""
    assert complaints(text) == [f"m.yaml:{message}"]


def test_all_problems_come_at_once() -> None:
    """Wrong keys do not hide wrong values, nor either of them what texts mean."""
    found = codes("""\
        image: App
        taggs: [a]
        tags: [-a, [b]]
        platforms:
          linux/amd46: app:a
          linux/arm64: {imag: app:a}
          linux/s390x: {image: "app:a:b", optional: maybe}
        format: dockr
        """)
    assert found == [
        "bad-reference",
        "unknown-key",
        "bad-tag",
        "wrong-type",
        "bad-platform",
        "unknown-key",
        "bad-reference",
        "wrong-type",
        "wrong-type",
    ]


def test_what_was_wrong_is_not_missed_as_well() -> None:
    """A wrong 'image' is not a missing one, and wrong platforms are not none."""
    assert codes("image: {a: b}\nplatforms: a\nsource: b") == ["wrong-type", "wrong-type"]
    assert codes("image: [[a]]\nsources: [[a]]") == ["wrong-type", "wrong-type"]
    assert codes("image: a\nplatforms: {linux/amd64: }") == ["wrong-type"]


def test_extensions_are_a_place_for_anchors() -> None:
    """Top-level keys with x- in front hold whatever one likes."""
    assert read_target("x-a: {b: [c, ~]}\nimage: app\nsources: [a]").entries


def test_defaults_are_replaced_key_by_key() -> None:
    """A target takes from the document what it does not say itself; nothing is merged."""
    first, second, third = read("""\
        format: oci
        tags: [a, b]
        annotations: {a: b}
        sources: [app:x]
        images:
        - image: one
        - {image: two, tags: [c], annotations: {d: e}, sources: [app:y]}
        - {image: three, annotations: ~, tags: ~}
        """).targets
    assert [it.format for it in (first, second, third)] == ["oci"] * 3
    assert [it.destinations[0].tags for it in (first, second, third)] == [
        ("a", "b"),
        ("c",),
        ("latest",),
    ]
    assert [it.annotations for it in (first, second, third)] == [(("a", "b"),), (("d", "e"),), ()]
    assert [str(it.entries[0].reference) for it in (first, second)] == [
        "docker.io/library/app:x",
        "docker.io/library/app:y",
    ]
    assert str(first.position) == "m.yaml:6:3"


def test_a_wrong_default_is_told_once() -> None:
    """Where it is written, not for each target that takes it."""
    text = "format: x\nrequire: [linux]\nsources: [A]\nimages: [{image: a}, {image: b}]"
    assert codes(text) == ["wrong-type", "bad-platform", "bad-reference"]


def test_a_default_that_nobody_takes_is_judged_too() -> None:
    """Its type at least: a misspelt word is one even when every target replaces it."""
    assert codes("format: x\nimages: [{image: a, sources: [b], format: oci}]") == ["wrong-type"]


def test_an_image_may_be_a_default_too() -> None:
    """One repository, tags by target."""
    targets = read("image: app\nsources: [a]\nimages: [{tags: [a]}, {tags: [b]}]").targets
    assert [target.destinations[0].tags for target in targets] == [("a",), ("b",)]


def test_what_targets_inherit_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many targets with large defaults end in an error before they fill the memory."""
    monkeypatch.setattr(structure, "MOST_ALIASED", 10)
    text = "sources: [a, b, {image: c}]\nimages:\n" + "".join(f"- image: a{i}\n" for i in range(3))
    assert complaints(text) == [
        "m.yaml:5:3: the defaults stand for more than 10 values up to this target"
    ]


def test_several_documents_are_several_targets() -> None:
    """Documents share neither defaults nor anchors."""
    targets = read("image: a\nsources: [a]\n---\nimage: b\nsources: [b]\n").targets
    assert [target.destinations[0].repository.familiar for target in targets] == ["a", "b"]
