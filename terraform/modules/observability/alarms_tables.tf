# Throttles of tables and of their indexes, at home and in each cell.

locals {
  tables = merge({ home = var.home.tables }, { for name, cell in var.cells : name => cell.tables })

  # Throttles of an index are counted under the names of table and index, not under the table's alone
  # (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html).
  throttled = {
    for place, tables in local.tables : place => merge([
      for role, table in tables : merge(
        { "table-${role}" = { about = "the table ${role}", dimensions = { TableName = table.name } } },
        { for index in table.indexes : "index-${index}" => { about = "the index ${index} of the table ${role}", dimensions = { TableName = table.name, GlobalSecondaryIndexName = index } } },
      )
    ]...)
  }

  # FILL, because an alarm on metrics of AWS/DynamoDB keeps its state while figures are missing: it would never end.
  table_alarms = {
    for place, throttled in local.throttled : place => [
      for key, each in throttled : {
        name       = "${key}-throttled", runbook = "table-throttled", threshold = 0
        about      = "DynamoDB throttles ${each.about}."
        expression = "FILL(reads, 0) + FILL(writes, 0)"
        metrics    = { for id, name in { reads = "ReadThrottleEvents", writes = "WriteThrottleEvents" } : id => { namespace = "AWS/DynamoDB", name = name, stat = "Sum", dimensions = each.dimensions } }
      }
    ]
  }
}
