"""The values of the API as TypeScript models, from its OpenAPI description."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import cast

Json = Mapping[str, object]
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def models(document: Json) -> str:
    """Give an interface or type for every schema of an OpenAPI description, in the order of their names."""
    schemas = cast("Mapping[str, Json]", cast(Json, document["components"])["schemas"])
    return "\n\n".join("\n".join(_model(name, schemas[name])) for name in sorted(schemas))


def type_name(name: str) -> str:
    """Give the name of a schema as a type: what is no letter or digit joins words."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^\w$]+|_", name) if part)


def _model(name: str, schema: Json) -> Iterator[str]:
    properties = cast("Mapping[str, Json]", schema.get("properties") or {})
    if schema.get("type") != "object" or not properties:
        yield f"export type {type_name(name)} = {_type(schema)};"
        return
    required = set(cast("list[str]", schema.get("required") or []))
    yield f"export interface {type_name(name)} {{"
    for key, value in properties.items():
        mark = "" if key in required else "?"
        yield f"  {key if _NAME.fullmatch(key) else json.dumps(key)}{mark}: {_type(value)};"
    if schema.get("additionalProperties") not in (None, False):
        yield "  [key: string]: unknown;"
    yield "}"


def _type(schema: Json) -> str:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return type_name(reference.rpartition("/")[2])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in cast("list[object]", schema["enum"]))
    for union, sign in (("anyOf", " | "), ("oneOf", " | "), ("allOf", " & ")):
        if union in schema:
            return sign.join(dict.fromkeys(_type(each) for each in cast("list[Json]", schema[union])))
    kind = schema.get("type")
    if kind == "array":
        inner = _type(cast(Json, schema.get("items") or {}))
        return f"({inner})[]" if " " in inner else f"{inner}[]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"Record<string, {_type(cast(Json, values)) if isinstance(values, Mapping) else 'unknown'}>"
    return _PLAIN.get(str(kind), "unknown")
