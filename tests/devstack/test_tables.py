"""The arguments with which DynamoDB is asked to create the described tables."""

from __future__ import annotations

from devstack.system import System
from devstack.tables import arguments


def test_a_table_without_an_index() -> None:
    """A table has a hash key and a range key, both strings, and is billed by request."""
    assert arguments("t", {"hash_key": "pk", "range_key": "sk", "indexes": {}}) == {
        "TableName": "t",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"},
        ],
        "BillingMode": "PAY_PER_REQUEST",
    }  # fmt: skip


def test_an_index_has_its_keys() -> None:
    """Each described index is created, and each key of the table and its indexes is defined once."""
    tables = System(0).raw["tables"]
    indexed = {name: arguments(name, table) for name, table in tables.items() if table["indexes"]}
    assert indexed
    for name, made in indexed.items():
        indexes = {each["IndexName"]: each for each in made["GlobalSecondaryIndexes"]}
        assert indexes.keys() == tables[name]["indexes"].keys()
        used = {key["AttributeName"] for each in (made, *indexes.values()) for key in each["KeySchema"]}
        defined = [each["AttributeName"] for each in made["AttributeDefinitions"]]
        assert defined == sorted(used)
