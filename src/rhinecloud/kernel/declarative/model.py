"""The base of models of declarative files, and a marker for fields that a function reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, ValidationError, core_schema

from rhinecloud.kernel.declarative.place import path_of
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import unknown

FAULT = "fault"
"""The type of pydantic errors that carry an Invalid; `ctx["fault"]` is it."""

_STRICT = frozenset({"str", "int", "float", "bool"})
"""Types whose values are taken as they are written: the text "12" is no number, 1 is not true."""


_NO_SCHEMAS = frozenset({"metadata", "default", "serialization", "ref", "expected"})


def _make_exact(schema: Any) -> None:
    """Make texts, numbers and booleans strict, wherever they stand in a schema of pydantic."""
    if isinstance(schema, list | tuple):
        for each in schema:
            _make_exact(each)
    elif isinstance(schema, dict):
        kind = schema.get("type")
        is_schema = isinstance(kind, str)  # else it is a dict by the names of fields
        if is_schema and kind in _STRICT:
            schema.setdefault("strict", True)
        for key, each in schema.items():
            if not (is_schema and key in _NO_SCHEMAS):
                _make_exact(each)


class _Exact:
    """Marks a type of which texts, numbers and booleans are taken as they are written."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return pydantic's schema, made strict."""
        schema = handler(source)
        _make_exact(schema)
        return schema


EXACT = _Exact()


class DeclarativeModel(BaseModel):
    """A document, or an object in one. Its fields are the keys, their docstrings go into the schema for editors.

    An unknown key is a fault; a key without a value counts as not written. Override `check_keys` and `check` for what
    must hold between keys.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        arbitrary_types_allowed=True,
        use_attribute_docstrings=True,
        protected_namespaces=(),
    )

    @classmethod
    def check_keys(cls, keys: Mapping[str, Any]) -> Iterator[Invalid]:
        """Yield what is wrong with the keys that are written together; it is called although values have faults.

        The `field` of an Invalid names the key, '' the whole object.
        """
        yield from ()

    def check(self) -> Iterator[Invalid]:
        """Yield what is wrong between the values, once each of them fits; `field` is the path to the value."""
        yield from ()

    @classmethod
    def key_names(cls) -> dict[str, str]:
        """Return the keys as they are written in a file, each with the name of its field."""
        return {
            str(item.validation_alias or item.alias or name): name for name, item in cls.model_fields.items()
        }

    @model_validator(mode="wrap")
    @classmethod
    def _check_all(cls, data: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
        if not isinstance(data, dict):
            return handler(data)
        known = cls.key_names()
        written = {key: value for key, value in data.items() if value is not None and key in known}
        strange = [
            Invalid(unknown("key", str(key), known), field=str(key)) for key in data if key not in known
        ]
        faults = [_line(each, written, is_key=True) for each in (*strange, *cls.check_keys(written))]
        try:
            made = handler(written)
        except ValidationError as error:
            raise ValidationError.from_exception_data(cls.__name__, [*_lines(error), *faults]) from None
        if not faults:
            faults = [_line(each, written) for each in made.check()]
        if faults:
            raise ValidationError.from_exception_data(cls.__name__, faults)
        return made

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return pydantic's schema, made strict for texts, numbers and booleans."""
        return EXACT.__get_pydantic_core_schema__(source, handler)


@dataclass(frozen=True)
class ReadBy:
    """Marks a field that a function reads: `Annotated[float, ReadBy(parse_duration, {"type": "string"})]`.

    The function gets the value as it is written, and raises Invalid; `schema` is the JSON Schema for editors.
    With `needs_info` it also gets pydantic's `ValidationInfo`: `.context`, and `.data` of the fields above.
    """

    read: Callable[..., Any]
    schema: Mapping[str, Any]
    needs_info: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return a schema that calls the function."""
        return core_schema.with_info_plain_validator_function(self._call)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the schema for editors."""
        return dict(self.schema)

    def __hash__(self) -> int:
        return hash(self.read)

    def _call(self, value: Any, info: core_schema.ValidationInfo) -> Any:
        try:
            return self.read(value, info) if self.needs_info else self.read(value)
        except Invalid as error:
            faults = [_line(each, value) for each in error.faults]
            raise ValidationError.from_exception_data("value", faults) from None


def _line(fault: Invalid, data: Any, *, is_key: bool = False) -> InitErrorDetails:
    path = path_of(fault.field) if not is_key else ((fault.field,) if fault.field else ())
    context = {"reason": fault.reason, "fault": fault, "is_key": is_key, "steps": len(path)}
    return InitErrorDetails(type=PydanticCustomError(FAULT, "{reason}", context), loc=path, input=data)


def _lines(error: ValidationError) -> list[InitErrorDetails]:
    """Return the errors of a validation in the form that makes new ones."""
    lines = []
    for each in error.errors(include_url=False):
        kind: Any = each["type"]
        if kind == FAULT:
            kind = PydanticCustomError(FAULT, "{reason}", each["ctx"])
        lines.append(
            InitErrorDetails(type=kind, loc=each["loc"], input=each["input"], ctx=each.get("ctx", {}))
        )
    return lines
