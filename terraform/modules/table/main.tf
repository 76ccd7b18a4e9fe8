locals {
  name = "${var.deployment.prefix}-${var.name}"
  keys = distinct(concat(
    [var.table.hash_key, var.table.range_key],
    flatten([for index in values(var.table.indexes) : [index.hash_key, index.range_key]]),
  ))
}

resource "aws_dynamodb_table" "this" {
  region                      = var.region
  name                        = local.name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = var.table.hash_key
  range_key                   = var.table.range_key
  deletion_protection_enabled = var.deletion_protection

  dynamic "attribute" {
    for_each = toset(local.keys)
    content {
      name = attribute.value
      type = "S"
    }
  }

  dynamic "global_secondary_index" {
    for_each = var.table.indexes
    content {
      name            = global_secondary_index.key
      projection_type = global_secondary_index.value.projection

      key_schema {
        attribute_name = global_secondary_index.value.hash_key
        key_type       = "HASH"
      }

      key_schema {
        attribute_name = global_secondary_index.value.range_key
        key_type       = "RANGE"
      }
    }
  }

  ttl {
    attribute_name = var.table.ttl
    enabled        = true
  }

  point_in_time_recovery {
    enabled = var.deployment.point_in_time_recovery
  }

  dynamic "server_side_encryption" {
    for_each = var.kms_key_arn[*]
    content {
      enabled     = true
      kms_key_arn = server_side_encryption.value
    }
  }

  # DynamoDB raises the warm throughput by itself, and never lowers it. A lower value in a plan would replace the table.
  lifecycle {
    ignore_changes = [warm_throughput]
  }
}
