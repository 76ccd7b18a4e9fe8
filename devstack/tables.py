"""Pure: the arguments of DynamoDB's CreateTable for a table of terraform/system.json."""

from __future__ import annotations

from typing import Any


def arguments(name: str, table: dict[str, Any]) -> dict[str, Any]:
    """The arguments of CreateTable for a described table. All keys are strings."""
    indexes = [
        {
            "IndexName": index_name,
            "KeySchema": _keys(index),
            "Projection": {"ProjectionType": index["projection"]},
        }
        for index_name, index in table["indexes"].items()
    ]
    keyed = (table, *table["indexes"].values())
    attributes = sorted({each[key] for each in keyed for key in ("hash_key", "range_key")})
    return {
        "TableName": name,
        "KeySchema": _keys(table),
        "AttributeDefinitions": [{"AttributeName": each, "AttributeType": "S"} for each in attributes],
        "BillingMode": "PAY_PER_REQUEST",
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    }


def _keys(table: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {"AttributeName": table["hash_key"], "KeyType": "HASH"},
        {"AttributeName": table["range_key"], "KeyType": "RANGE"},
    ]
