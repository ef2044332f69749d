"""Answers of the fake registry, and what it reads in the manifests that are put into it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from tests.support.exchange import Answer
from tests.support.images import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    digest_of,
)

LARGEST_MANIFEST = 4 * 1024 * 1024
KNOWN = (OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST)


class Holding(Protocol):
    """What a repository holds: manifests with their types, and blobs, by digest."""

    manifests: dict[str, tuple[str, bytes]]
    blobs: dict[str, bytes]


def error(status: int, code: str, message: str, detail: object = None) -> Answer:
    """An answer that carries an error as the distribution-spec has it."""
    body = {"errors": [{"code": code, "message": message, "detail": detail}]}
    return json_answer(body, status)


def json_answer(value: Mapping[str, Any], status: int = 200) -> Answer:
    """An answer of JSON."""
    headers = {"Content-Type": "application/json; charset=utf-8"}
    return Answer(status, headers, json.dumps(value).encode())


def judge_manifest(held: Holding, media_type: str, content: bytes) -> Answer | None:
    """Give the error for a manifest that a registry would not take, None for one it takes."""
    try:
        manifest = json.loads(content) if len(content) <= LARGEST_MANIFEST else {}
    except ValueError:
        manifest = {}
    if media_type not in KNOWN or manifest.get("mediaType", media_type) != media_type:
        return error(400, "MANIFEST_INVALID", "manifest invalid")
    if "manifests" in manifest:
        missing = [entry["digest"] for entry in manifest["manifests"]]
        missing = [digest for digest in missing if digest not in held.manifests]
    elif "config" in manifest:
        missing = [blob["digest"] for blob in (manifest["config"], *manifest["layers"])]
        missing = [digest for digest in missing if digest not in held.blobs]
    else:
        return error(400, "MANIFEST_INVALID", "manifest invalid")
    if missing:
        return error(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", missing[0])
    return None


def referrers_of(subject: str, manifests: Iterable[tuple[str, bytes]]) -> list[dict[str, Any]]:
    """The entries of a list of referrers (distribution-spec, "Listing Referrers")."""
    return [
        _referrer(media_type, content)
        for media_type, content in manifests
        if json.loads(content).get("subject", {}).get("digest") == subject
    ]


def _referrer(media_type: str, content: bytes) -> dict[str, Any]:
    manifest = json.loads(content)
    kind = manifest.get("artifactType") or manifest.get("config", {}).get("mediaType")
    entry = {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}
    told = {"artifactType": kind, "annotations": manifest.get("annotations")}
    return entry | {key: value for key, value in told.items() if value}


def child_for_amd64(content: bytes) -> str:
    """The child that docker-registry gives a client that knows no lists."""
    for entry in json.loads(content)["manifests"]:
        if (entry["platform"]["os"], entry["platform"]["architecture"]) == ("linux", "amd64"):
            return str(entry["digest"])
    return ""
