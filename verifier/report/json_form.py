"""The report as JSON: one object, the same bytes for the same texts but for `seconds`.

Keys come in the order of `data`, and so do lists.  A field whose default is None is left out when
it is None.  Numbers are ints, except `seconds`; exact decimals are text.
"""

from __future__ import annotations

import dataclasses
import json

from planproof.verifier.report.data import CheckReport, Json, Report


def report_json(report: Report | CheckReport) -> str:
    """The text of the object, indented by two, ending in a newline."""
    return json.dumps(_plain(report), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _plain(value: object) -> Json:
    if dataclasses.is_dataclass(value):
        return {
            field.name: _plain(inner)
            for field in dataclasses.fields(value)
            if (inner := getattr(value, field.name)) is not None or field.default is not None
        }
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return value
