"""The JSON Schemas of the reports, generated from `data` and shipped beside this module.

    python -m planproof.verifier.report.schema        writes them again (`just schema`)

A house test fails when what is shipped is not what would be generated.  The schemas are closed: an
object has the fields listed and no others, so a field we rename breaks a test and not a reader.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from planproof.verifier.report.data import CheckReport, Report

FILES = {"report.schema.json": Report, "check.schema.json": CheckReport}


def generate(name: str) -> str:
    """The text of the schema that belongs in the file `name`."""
    import pydantic

    schema = pydantic.TypeAdapter[Any](FILES[name]).json_schema(mode="serialization")
    _close(schema)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def _close(schema: Any) -> None:
    """Closes every object with named fields; takes `null` from fields that are left out instead.

    Titles go: they repeat the names, and their spelling is pydantic's own affair.
    """
    if isinstance(schema, list):
        for each in schema:
            _close(each)
    elif isinstance(schema, dict):
        if isinstance(schema.get("title"), str):
            del schema["title"]
        properties = schema.get("properties")
        if schema.get("type") == "object" and properties is not None:
            schema["additionalProperties"] = False
            required = set(schema.get("required", ()))
            for field, inner in properties.items():
                if inner.pop("default", None) is None and field not in required:
                    _without_null(inner)
        for inner in schema.values():
            _close(inner)


def _without_null(schema: dict[str, Any]) -> None:
    choices = schema.get("anyOf")
    if choices is None:
        return
    left = [each for each in choices if each != {"type": "null"}]
    if len(left) == 1:
        del schema["anyOf"]
        schema.update(left[0])
    else:
        schema["anyOf"] = left


if __name__ == "__main__":
    for each in FILES:
        (Path(__file__).parent / each).write_text(generate(each), encoding="utf-8")
