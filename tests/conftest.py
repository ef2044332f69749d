"""What holds for every test: an environment that no machine or pipeline has coloured."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says more of the machine than of the code.
settings.register_profile("mbuild", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mbuild")

pytest_plugins = ("tests.support.fixtures",)

OF_THE_CALLER = ("MBUILD_", "GITHUB_", "XDG_", "DOCKER_", "REGISTRY_AUTH_FILE", "SSL_CERT_")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY")
OF_A_TERMINAL = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI")
HOME_FOLDERS = {
    "HOME": "home",
    "DOCKER_CONFIG": "home/.docker",
    "XDG_CACHE_HOME": "home/.cache",
    "XDG_CONFIG_HOME": "home/.config",
    "XDG_DATA_HOME": "home/.local/share",
    "XDG_RUNTIME_DIR": "run",
}


def _is_cleared(name: str) -> bool:
    return name.startswith(OF_THE_CALLER) or name.upper() in PROXIES + OF_A_TERMINAL


@pytest.fixture(autouse=True)
def clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An empty home folder (returned), no proxies, no credentials, no variable of mbuild or CI."""
    root = tmp_path_factory.mktemp("environment")
    for name in list(os.environ):
        if _is_cleared(name):
            monkeypatch.delenv(name)
    for name, folder in HOME_FOLDERS.items():
        path = root / folder
        path.mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv(name, str(path))
    return root / "home"
