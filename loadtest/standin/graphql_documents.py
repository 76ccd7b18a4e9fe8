"""Pure: reads GraphQL documents against the schema of terraform/graphql, as AppSync does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    get_operation_ast,
    parse,
    validate,
)
from graphql.execution.values import get_argument_values, get_variable_values

from runtime.errors import BadInputError

_APPSYNC = """
directive @aws_iam on OBJECT | FIELD_DEFINITION
directive @aws_lambda on OBJECT | FIELD_DEFINITION
directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
"""
"""The directives that AppSync adds to a schema
(https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html#using-additional-authorization-modes)."""


class DocumentError(BadInputError):
    """A document that AppSync refuses. ``kind`` is AppSync's ``errorType``."""

    def __init__(self, message: str, kind: str = "ValidationError") -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Operation:
    """The single field that a document asks for."""

    kind: str
    """``query``, ``mutation`` or ``subscription``."""
    field: str
    key: str
    """The field's alias, or its name."""
    arguments: dict[str, Any]
    selected: dict[str, str]
    """Key of each selected field -> its name."""


class Documents:
    """The documents of one schema; each is parsed and validated once."""

    def __init__(self, schema: str) -> None:
        self._schema: GraphQLSchema = build_schema(_APPSYNC + schema)
        self._read: dict[str, Any] = {}

    def allows(self, kind: str, field: str, directive: str) -> bool:
        """Whether the field of ``Query``, ``Mutation`` or ``Subscription`` has the directive, such as ``aws_iam``."""
        owner = self._schema.type_map[kind.capitalize()]
        node = owner.fields[field].ast_node  # type: ignore[attr-defined]  # a root type has fields
        return any(each.name.value == directive for each in node.directives)

    def operation(self, query: Any, variables: Any, name: str | None = None) -> Operation:
        """The operation of a document. Raises DocumentError."""
        if not isinstance(query, str):
            raise DocumentError("The query is not a text.", "MalformedHttpRequestException")
        if query not in self._read:
            if len(self._read) >= 1000:
                self._read.clear()
            self._read[query] = self._parsed(query)
        document = self._read[query]
        found = get_operation_ast(document, name)
        if found is None:
            raise DocumentError("The document has no such operation.")
        fields = [each for each in found.selection_set.selections if isinstance(each, FieldNode)]
        if len(fields) != 1 or len(found.selection_set.selections) != 1:
            raise DocumentError("The stand-in takes operations with one field.")
        if fields[0].name.value.startswith("__"):
            raise DocumentError("Introspection is closed, as Terraform sets it for the API.")
        return self._asked(found, fields[0], variables)

    def _parsed(self, query: str) -> Any:
        try:
            document = parse(query, max_tokens=1000)
        except GraphQLError as error:
            raise DocumentError(error.message, "InvalidSyntaxError") from None
        if wrong := validate(self._schema, document):
            raise DocumentError(wrong[0].message)
        return document

    def _asked(self, operation: OperationDefinitionNode, field: FieldNode, variables: Any) -> Operation:
        given = variables if isinstance(variables, dict) else {}
        values = get_variable_values(self._schema, operation.variable_definitions or (), given)
        if isinstance(values, list):
            raise DocumentError(values[0].message, "VariableTypeMismatch")
        kind = operation.operation.value
        owner = self._schema.type_map[kind.capitalize()]
        definition = owner.fields[field.name.value]  # type: ignore[attr-defined]  # a root type has fields
        try:
            arguments = get_argument_values(definition, field, values)
        except GraphQLError as error:
            raise DocumentError(error.message) from None
        chosen = field.selection_set.selections if field.selection_set else ()
        selected = {_key(each): each.name.value for each in chosen if isinstance(each, FieldNode)}
        return Operation(kind, field.name.value, _key(field), arguments, selected)


def _key(field: FieldNode) -> str:
    return field.alias.value if field.alias else field.name.value
