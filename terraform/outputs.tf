output "http_url" {
  description = "The operators' and readers' HTTP API: through the site, or the API itself where there is no site."
  value       = var.web == null ? module.operators_api.url : "${one(module.web[*].url)}${jsondecode(file("${path.module}/site.json")).operators.prefix}"
}

output "api_url" {
  description = "The HTTP API itself; where there is a site, only its routes that need an operator's token are answered."
  value       = module.operators_api.url
}

output "websocket_urls" {
  description = "The URLs to which viewers connect, by the name of the cell; only cells of the transport api-gateway have one."
  value       = { for name, cell in module.cell : name => cell.websocket_url }
}

output "connections_urls" {
  description = "The URLs for POSTs to connections, by the name of the cell: `livescore smoke` needs them if cells have domains."
  value       = { for name, cell in module.cell : name => cell.connections_url }
}

output "domain_targets" {
  description = "The targets of the domains' records, for domains without a Route 53 zone."
  value = {
    http      = module.operators_api.domain_target
    websocket = { for name, cell in module.cell : name => cell.domain_target }
  }
}

output "home" {
  description = "The home: region, HTTP API, functions, tables, queues, stream, event sources and the bucket of unhandled records."

  precondition {
    condition     = toset(keys(local.home.functions)) == toset(concat([local.system.http_api.function], keys(local.system.event_sources)))
    error_message = "Nothing calls some function of the home: system.json gives neither the HTTP API nor an event source to one."
  }

  precondition {
    condition     = keys(local.home.tables) == ["matches"]
    error_message = "The home has one table, matches; main.tf makes no other."
  }

  value = {
    region           = var.home_region
    http_api         = module.operators_api.api
    access_log_group = module.operators_api.access_log_group
    functions        = merge({ (local.system.http_api.function) = module.operators_api.function }, module.fanout.functions)
    tables           = { matches = { name = module.ledger.name, arn = module.ledger.arn } }
    queues           = module.fanout.queues
    unhandled        = module.fanout.unhandled_bucket
    event_source_ids = module.fanout.event_source_ids
    stream = {
      name          = module.stream.name
      arn           = module.stream.arn
      consumer_name = module.stream.consumer_name
      consumer_arn  = module.stream.consumer_arn
    }
  }
}

output "cells" {
  description = "The cells by name: region, transport, the address for viewers, functions, tables, queues, and what the transport has."

  precondition {
    condition = alltrue([
      for part in concat(values(local.system.functions), values(local.system.tables), values(local.system.queues)) : contains(["home", "cell"], part["in"])
    ])
    error_message = "Each function, table and queue of system.json is in home or in cell."
  }

  value = {
    for name, cell in merge(module.cell, local.broadcasting_cells) : name => merge(
      {
        region    = local.cells[name].region
        transport = local.cells[name].transport
        address   = cell.address
        functions = cell.functions
        tables    = cell.tables
        queues    = cell.queues
      },
      cell.details,
    )
  }
}

output "settings" {
  description = "The settings of this deployment; none of them is a secret."
  value       = local.settings
}

output "throttles" {
  description = "The throttles that http_throttles and websocket_throttles set, by route: `livescore preflight --outputs` reads them."
  value       = merge(var.http_throttles, var.websocket_throttles)
}
