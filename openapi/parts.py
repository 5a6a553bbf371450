"""What the pages of the document are made of: schemas, parameters, answers, operations."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from emosync.errors import EmoSyncError

Json = dict[str, Any]
Errors = tuple[type[EmoSyncError], ...]

JSON: Final = "application/json"
FORM: Final = "multipart/form-data"
PROBABILITY: Final[Json] = {"type": "number", "minimum": 0, "maximum": 1}
AXIS: Final[Json] = {"type": "number", "minimum": -1, "maximum": 1}


@dataclass(frozen=True)
class Operation:
    """One verb of one route.

    Attributes
    ----------
    route : str
        Verb and rule as the application has them, such as "GET /songs/<path:song_id>/curve".
    name : str
        Unique; what generated clients call it.
    tag : str
        The chapter it stands in.
    summary : str
        One sentence.
    answers : mapping of str to dict
        Status to answer, of success.
    errors : tuple of classes
        Those of its own; what every route may answer is added for all.
    parameters : sequence of dict
        Of path, query and headers.
    body : dict, optional
        What a POST sends.
    description : str
        What the summary leaves out.
    can_wait : bool
        Whether a job may answer it later.
    """

    route: str
    name: str
    tag: str
    summary: str
    answers: Mapping[str, Json]
    errors: Errors = ()
    parameters: Sequence[Json] = ()
    body: Json | None = None
    description: str = ""
    can_wait: bool = False

    @property
    def verb(self) -> str:
        """Name the verb as the document does."""
        return self.route.partition(" ")[0].lower()

    @property
    def path(self) -> str:
        """Write the rule as the document does."""
        return template(self.route.partition(" ")[2])


@dataclass(frozen=True)
class Page:
    """What one subject adds to the document.

    Attributes
    ----------
    operations : tuple of Operation
        In the order in which they are shown.
    schemas : mapping of str to dict
        Those that are referred to by name.
    """

    operations: tuple[Operation, ...]
    schemas: Mapping[str, Json] = field(default_factory=dict)


def template(rule: str) -> str:
    """Write a rule of Flask as a path of the document."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def tree(*kinds: type[EmoSyncError]) -> Errors:
    """List classes of errors, each with all below it, in the order of the tree."""

    def below(kind: type[EmoSyncError]) -> Iterator[type[EmoSyncError]]:
        yield kind
        for child in kind.__subclasses__():
            yield from below(child)

    return tuple(dict.fromkeys(found for kind in kinds for found in below(kind)))


def named(name: str) -> Json:
    """Refer to a schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(description: str = "", **more: Any) -> Json:
    """Describe a text."""
    return _described({"type": "string", **more}, description)


def number(description: str = "", **more: Any) -> Json:
    """Describe a number."""
    return _described({"type": "number", **more}, description)


def count(description: str = "", **more: Any) -> Json:
    """Describe a whole number, 0 or more unless said otherwise."""
    return _described({"type": "integer", "minimum": 0, **more}, description)


def listed(items: Json, description: str = "", **more: Any) -> Json:
    """Describe a list."""
    return _described({"type": "array", "items": items, **more}, description)


def nullable(schema: Json) -> Json:
    """Let null stand for nothing; the schema must have one type."""
    return {**schema, "type": [schema["type"], "null"]}


def members(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> Json:
    """Describe an object by its members."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


def probabilities(labels: Sequence[str], description: str) -> Json:
    """Describe an object of label to probability."""
    return {
        "type": "object",
        "description": description,
        "propertyNames": {"enum": list(labels)},
        "additionalProperties": PROBABILITY,
    }


def parameter(
    name: str, schema: Json, description: str = "", *, place: str = "query", **more: Any
) -> Json:
    """Describe a parameter of the query, the path or the headers."""
    required = {"required": True} if place == "path" else {}
    found = {"name": name, "in": place, **required, "schema": schema, **more}
    return _described(found, description)


def json_answer(schema: Json, description: str, *, example: Any = None) -> Json:
    """Describe an answer in JSON."""
    return {"description": description, "content": {JSON: _media(schema, example)}}


def file_answer(description: str, *media_types: str) -> Json:
    """Describe an answer that is a file."""
    return {"description": description, "content": {name: {} for name in media_types}}


def text_answer(description: str, *, example: str) -> Json:
    """Describe an answer in plain text."""
    return {"description": description, "content": {"text/plain": {"example": example}}}


def json_body(schema: Json, *, example: Any = None) -> Json:
    """Describe a body of JSON."""
    return {"required": True, "content": {JSON: _media(schema, example)}}


def form_body(schema: Json, **examples: Json) -> Json:
    """Describe a multipart form, with examples by name; a file is told by the name it has."""
    shown = {name: {"value": fields} for name, fields in examples.items()}
    return {"required": True, "content": {FORM: {"schema": schema, "examples": shown}}}


def either(first: Json, second: Json) -> Json:
    """Describe a body that may have one of two media types."""
    return {"required": True, "content": {**first["content"], **second["content"]}}


def upload(description: str) -> Json:
    """Describe a file in a form."""
    return text(description, contentMediaType="application/octet-stream")


def _media(schema: Json, example: Any) -> Json:
    return {"schema": schema, **({} if example is None else {"example": example})}


def _described(found: Json, description: str) -> Json:
    return {**found, "description": description} if description else found
