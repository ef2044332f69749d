"""The JSON Schema of a spec, for editors and other programs."""

from __future__ import annotations

from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of one YAML document of a spec.

    An editor completes and explains keys with it; what texts mean is judged by `parse_spec`.
    """
    from mbuild.spec.model import DocumentShape

    schema = DocumentShape.model_json_schema(by_alias=True)
    schema["title"] = "mbuild spec"
    schema["description"] = "Which image serves which platform, and where their index goes."
    # A place for anchors, and for what other tools keep in the file.
    schema["patternProperties"] = {"^x-": True}
    return {"$schema": DIALECT, **_without_titles(schema)}


def _without_titles(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave out the titles pydantic makes of field names; the keys say it already."""
    for shape in (schema, *schema["$defs"].values()):
        for field in shape["properties"].values():
            field.pop("title", None)
    return schema
