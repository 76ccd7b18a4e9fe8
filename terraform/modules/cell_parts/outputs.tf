output "functions" {
  description = "The functions by their name in system.json: name, ARN, alias (null: none), log group, time-out in seconds."
  value = {
    for name, function in module.function : name => {
      name      = function.name
      arn       = function.arn
      qualifier = function.qualifier
      log_group = function.log_group
      timeout   = function.timeout
    }
  }
}

output "target_arns" {
  description = "ARN that callers of each function call: its alias with provisioned concurrency, else the function."
  value       = { for name, function in module.function : name => function.target_arn }
}

output "tables" {
  description = "The tables by their name in system.json: name, ARN, and whether they refuse to be deleted."
  value = {
    for name, table in module.table : name => {
      name                = table.name
      arn                 = table.arn
      deletion_protection = table.deletion_protection
    }
  }
}
