variable "observability" {
  description = <<-EOT
    Alarms, dashboard and budget; with null there are none. All options have defaults: emails that get the alarms; the address of
    docs/operations.md, to which alarms link; a budget in US dollars a month (for resources with cost_tag, or the whole account); the
    milliseconds that a goal may take to the gateway; the regions' quotas of new connections a second and of concurrent executions.
  EOT
  type = object({
    emails                 = optional(list(string), [])
    runbooks               = optional(string, "docs/operations.md")
    monthly_budget         = optional(number)
    cost_tag               = optional(object({ key = string, value = string }))
    goal_to_gateway_ms     = optional(number, 10000)
    connections_per_second = optional(number, 500)
    concurrency_quota      = optional(number, 1000)
  })
  default = {}
}

module "observability" {
  source = "./modules/observability"
  count  = var.observability == null ? 0 : 1

  prefix                 = var.prefix
  emails                 = var.observability.emails
  runbooks               = var.observability.runbooks
  monthly_budget         = var.observability.monthly_budget
  cost_tag               = var.observability.cost_tag
  goal_to_gateway_ms     = var.observability.goal_to_gateway_ms
  connections_per_second = var.observability.connections_per_second
  concurrency_quota      = var.observability.concurrency_quota
  quotas                 = { appsync_connects = local.quotas.appsync_connects.default }
  watch_web              = var.web != null
  distribution_id        = one(module.web[*].distribution_id)
  kms_key_arns = merge(
    { for name, cell in local.cells : cell.region => cell.options.kms_key_arn if try(cell.options.kms_key_arn, null) != null },
    { for key in compact([var.home.kms_key_arn]) : var.home_region => key },
  )

  home = {
    region          = var.home_region
    functions       = merge({ (local.system.http_api.function) = module.operators_api.function.name }, { for role, function in module.fanout.functions : role => function.name }, module.user_pool[*].functions...)
    queues          = { for role, queue in module.fanout.queues : role => queue.name }
    tables          = { matches = { name = module.ledger.name, indexes = keys(local.home.tables["matches"].indexes) } }
    stream          = module.stream.name
    retention_hours = var.stream_retention_hours
    consumer        = module.stream.consumer_name
    event_source    = module.fanout.event_source_ids["fanout"]
    api_id          = module.operators_api.api.id
    api_stage       = module.operators_api.api.stage
  }

  cells = {
    for name, cell in merge(module.cell, local.broadcasting_cells) : name => {
      region    = local.cells[name].region
      transport = local.cells[name].transport
      suffix    = local.cells[name].suffix
      functions = { for role, function in cell.functions : role => function.name }
      queues    = { for role, queue in cell.queues : role => queue.name }
      tables    = { for role, table in cell.tables : role => { name = table.name, indexes = keys(local.system.tables[role].indexes) } }
      watched   = cell.watched
    }
  }
}

output "dashboard" {
  description = "The name of the dashboard; null if there is none."
  value       = one(module.observability[*].dashboard)
}

output "alarm_topics" {
  description = "The topics of the alarms by region, for the subscription of a pager or a chat; null if there are none."
  value       = one(module.observability[*].topics)
}
