output "region" {
  description = "The cell's region."
  value       = var.region
}

output "websocket_url" {
  description = "Address to which viewers of this cell connect: its own domain if it has one."
  value       = length(module.domain) > 0 ? "wss://${module.domain[0].name}" : module.viewers_api.url
}

output "references" {
  description = "Values of the transport's references (transports in system.json)."
  value       = { state_machine = local.state_machine_arn, connections_url = module.viewers_api.connections_url }
}

output "address" {
  description = "Data that a viewer needs to connect: the cell's own domain if it has one."
  value       = { url = length(module.domain) > 0 ? "wss://${module.domain[0].name}" : module.viewers_api.url }
}

output "watched" {
  description = "Dimensions of CloudWatch's metrics of the cell: the WebSocket API's id and stage, the state machine's ARN."
  value       = { api_id = module.viewers_api.id, api_stage = module.viewers_api.stage, state_machine = local.state_machine_arn }
}

output "connections_url" {
  description = "URL at which messages are posted to connections, without /@connections."
  value       = module.viewers_api.connections_url
}

output "connections_arn" {
  description = "The stage whose connections get messages; /POST/@connections and an id follow."
  value       = module.viewers_api.connections_arn
}

output "websocket_api" {
  description = "The WebSocket API: id, name, stage and the URL that AWS gave it."
  value = {
    id    = module.viewers_api.id
    name  = module.viewers_api.name
    stage = module.viewers_api.stage
    url   = module.viewers_api.url
  }
}

output "domain_target" {
  description = "Target of the record of the cell's domain, null without a domain."
  value       = one(module.domain[*].target)
}

output "state_machine_name" {
  description = "The state machine's name."
  value       = aws_sfn_state_machine.broadcast.name
}

output "state_machine_arn" {
  description = "The state machine's ARN."
  value       = local.state_machine_arn
}

output "state_machine_log_group" {
  description = "The name of the state machine's log group."
  value       = aws_cloudwatch_log_group.state_machine.name
}

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

output "queues" {
  description = "The queues by their name in system.json: name, ARN and URL."
  value = {
    for name, arn in module.queues.arns : name => {
      name = module.queues.names[name]
      arn  = arn
      url  = module.queues.urls[name]
    }
  }
}

output "details" {
  description = "Resources that only a cell of this transport has: the WebSocket API and the state machine."
  value = {
    websocket_url = length(module.domain) > 0 ? "wss://${module.domain[0].name}" : module.viewers_api.url
    websocket_api = {
      id    = module.viewers_api.id
      name  = module.viewers_api.name
      stage = module.viewers_api.stage
      url   = module.viewers_api.url
    }
    state_machine = {
      name      = local.state_machine_name
      arn       = local.state_machine_arn
      log_group = aws_cloudwatch_log_group.state_machine.name
    }
  }
}
