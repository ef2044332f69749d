"""Options: their variables, their lists, their limits, and what they become."""

import json
from pathlib import Path

import pytest

from mbuild.cli.options import NetworkOptions
from mbuild.cli.publishing import Publication, Result
from mbuild.cli.session import make_settings
from mbuild.publish.decide.rules import TagRules
from tests.cli.world import mbuild
from tests.support.certificates import make_authority

COMMANDS = ("push", "plan", "check", "create", "inspect", "schema")


def test_settings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network's options become the registry's settings, with the environment."""
    monkeypatch.setenv("DOCKER_CONFIG", "somewhere")
    (folder / "ca").write_bytes(make_authority().certificate_pem)
    (folder / "auth").write_text("")
    options = NetworkOptions(
        jobs=3, attempts=2, deadline=1.5, plain_http=["a", "b:5000"], ca="ca", authfile="auth"
    )
    settings = make_settings(options)
    assert (settings.jobs, settings.attempts, settings.deadline) == (3, 2, 1.5)
    assert settings.plain_http == {"a", "b:5000"}
    assert (settings.ca_file, settings.authfile) == ("ca", "auth")
    assert settings.environment["DOCKER_CONFIG"] == "somewhere"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--ca", "absent"), "--ca 'absent' cannot be read: no such file or directory"),
        (("--ca", "builds"), "--ca 'builds' cannot be read: is a directory"),
        (("--ca", "manifests.yaml"), "--ca 'manifests.yaml' holds no certificate in PEM form"),
        (
            ("--plain-http", "http://localhost"),
            "--plain-http 'http://localhost' is not HOST[:PORT]; write it like localhost:5000",
        ),
        (
            ("--tag", "a b"),
            (
                "--tag: 'a b' is not a tag: it may hold letters, digits, '_', '.' and "
                "'-', not start with '.' or '-', and be 128 characters long at most"
            ),
        ),
        (("",), "an empty name is no spec file; name a file, or - for stdin"),
    ],
    ids=["no --ca", "--ca a folder", "--ca no PEM", "--plain-http", "--tag", "empty name"],
)
@pytest.mark.usefixtures("folder")
def test_wrong_value(words: tuple[str, ...], message: str) -> None:
    """A value that can only be a mistake is told before anything is done."""
    done = mbuild("push", *words)
    assert (done.code, done.errors, done.stdout) == (2, [f"error: {message}"], "")


def test_tag_for_two_targets(folder: Path) -> None:
    """A tag of the command line that two targets of one repository would have is an error."""
    one = "{image: 'oci:dist:%s', sources: ['oci:builds:amd64']}"
    (folder / "manifests.yaml").write_text(f"images: [{one % 1}, {one % 2}]\n")
    done = mbuild("push", "--tag", "new")
    assert (done.code, done.stdout) == (3, "")
    assert done.errors == [
        (
            "error: manifests.yaml:1:72: tag 'new' of oci:dist is a target already, "
            "first at manifests.yaml:1:18; take one out"
        )
    ]
    assert mbuild("push").code == 0


def test_tag_alone(folder: Path) -> None:
    """A spec without tags is published under the tag of the command line, and not as latest."""
    (folder / "manifests.yaml").write_text("image: oci:dist\nsources: [oci:builds:amd64]\n")
    lines = mbuild("push", "--tag", "new").stdout.splitlines()
    assert [line for line in lines if ":new" in line] == ["  + :new  created"]


VERSION = "org.opencontainers.image.version"


def test_default_settings() -> None:
    """Without options there is no deadline, and no host without TLS."""
    settings = make_settings(NetworkOptions())
    assert (settings.jobs, settings.attempts, settings.deadline) == (32, 6, None)
    assert settings.plain_http == frozenset()


@pytest.mark.usefixtures("folder")
def test_flags_from_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flags have variables: quiet, output, dry run, check."""
    monkeypatch.setenv("MBUILD_DRY_RUN", "1")
    monkeypatch.setenv("MBUILD_QUIET", "true")
    assert mbuild("push").stdout.startswith("oci:dist@sha256:")
    assert not Path("dist").exists()
    monkeypatch.setenv("MBUILD_CHECK", "1")
    assert mbuild("plan").code == 7
    monkeypatch.setenv("MBUILD_OUTPUT", "json")
    assert json.loads(mbuild("plan").stdout)["version"] == 1


@pytest.mark.usefixtures("folder")
def test_option_before_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """An option goes before its variable."""
    monkeypatch.setenv("MBUILD_OUTPUT", "json")
    assert mbuild("plan", "-o", "text").stdout.startswith("oci:dist@")


@pytest.mark.parametrize("name", ["MBUILD_NO_CLOBBER", "MBUILD_NO_DOWNGRADE"])
def test_tag_rules_from_variables(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What tags may not do has variables, of push, plan and create alike."""
    mbuild("create", "oci:dist:1", "oci:builds:amd64", "--annotation", f"{VERSION}=1.0.1")
    monkeypatch.setenv(name, "1")
    spec = (folder / "manifests.yaml").read_text()
    told = f"annotations: {{{VERSION}: 0.9.0}}\nformat: oci\n"
    (folder / "manifests.yaml").write_text(spec.replace("dist:1.0", "dist:1") + told)
    create = ("create", "oci:dist:1", "oci:builds:arm64", "--annotation", f"{VERSION}=0.9.0")
    for words in (("plan",), ("push",), create):
        done = mbuild(*words)
        text = "(--no-clobber)" if name == "MBUILD_NO_CLOBBER" else "newer than 0.9.0"
        assert text in done.stderr
        assert done.code == (6 if name == "MBUILD_NO_CLOBBER" else 0)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("is_told_by_variables", [False, True], ids=["options", "variables"])
def test_conversion(monkeypatch: pytest.MonkeyPatch, is_told_by_variables: bool) -> None:
    """`create` makes the kind of list that is asked for, of images that it converts."""
    words = ["create", "oci:dist:1", "oci:builds:amd64"]
    if is_told_by_variables:
        monkeypatch.setenv("MBUILD_FORMAT", "docker")
        monkeypatch.setenv("MBUILD_CONVERT", "1")
    else:
        words += ["--format", "docker", "--convert"]
    lines = mbuild(*words).stdout.splitlines()
    assert lines[1].startswith("  Docker manifest list, 1 image")
    assert lines[-2].startswith("      converted from OCI image sha256:")


def test_force_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--force` has a variable, and reaches the rules of the run."""
    seen = []

    def run(publication: Publication) -> Result:
        seen.append(publication.rules)
        return Result(())

    monkeypatch.setattr(Publication, "run", run)
    monkeypatch.setenv("MBUILD_FORCE", "1")
    mbuild("create", "oci:dist:1", "oci:builds:amd64", "--no-downgrade")
    assert seen == [TagRules(force=True, no_downgrade=True)]


def test_metadata_variable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The metadata file has a variable."""
    monkeypatch.setenv("MBUILD_METADATA_FILE", "m.json")
    mbuild("push")
    assert (folder / "m.json").exists()


@pytest.mark.parametrize("separator", [" ", "\n", " \t "], ids=["space", "line", "tab"])
def test_lists_split_at_white_space(
    folder: Path, monkeypatch: pytest.MonkeyPatch, separator: str
) -> None:
    """A repeatable option's variable is split at white space."""
    (folder / "manifests.yaml").write_text("image: oci:${A}:${B}\nsources: [oci:builds:amd64]\n")
    monkeypatch.setenv("MBUILD_SET", f"A=dist{separator}B=1.0")
    assert mbuild("check").stdout == "ok: 1 image for oci:dist:1.0 (manifests.yaml:1:1)\n"
    monkeypatch.setenv("MBUILD_TAG", f"a{separator}b")
    lines = mbuild("push").stdout.splitlines()
    assert [line.split()[1] for line in lines[2:5]] == [":1.0", ":a", ":b"]


def test_setting_before_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of --set goes before one of the environment, and the last of two counts."""
    (folder / "manifests.yaml").write_text("image: oci:dist:${V}\nsources: [oci:builds:amd64]\n")
    monkeypatch.setenv("V", "environment")
    assert mbuild("check").stdout.startswith("ok: 1 image for oci:dist:environment ")
    done = mbuild("check", "--set", "V=first", "--set", "V=a.b")
    assert done.stdout.startswith("ok: 1 image for oci:dist:a.b ")


@pytest.mark.parametrize(
    "words",
    [("--jobs", "0"), ("--attempts", "0"), ("--deadline", "0"), ("-o", "yaml"), ("--unknown",)],
    ids=" ".join,
)
@pytest.mark.usefixtures("folder")
def test_refused(words: tuple[str, ...]) -> None:
    """A value that cannot be is a usage error."""
    done = mbuild("plan", *words)
    assert (done.code, done.stdout) == (2, "")


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name: str) -> None:
    """Every command explains itself, and every option names its variable."""
    done = mbuild(name, "--help")
    assert (done.code, done.stderr) == (0, "")
    assert f"mbuild {name}" in done.stdout or f"root {name}" in done.stdout
