output "url" {
  description = "Where operators post and readers read: the API's own domain if it has one."
  value       = length(module.domain) > 0 ? "https://${module.domain[0].name}" : "https://${local.host}"
}

output "api" {
  description = "The HTTP API: id, name, stage, host and the URL that AWS gave it."
  value = {
    id    = aws_apigatewayv2_api.this.id
    name  = aws_apigatewayv2_api.this.name
    stage = local.stage
    host  = local.host
    url   = "https://${local.host}"
  }
}

output "domain_target" {
  description = "What the record of the API's domain must name, null without a domain."
  value       = one(module.domain[*].target)
}

output "access_log_group" {
  description = "The name of the log group of requests."
  value       = aws_cloudwatch_log_group.access.name
}

output "function" {
  description = "The function: name, ARN, alias (null: none), log group, time-out in seconds."
  value = {
    name      = module.function.name
    arn       = module.function.arn
    qualifier = module.function.qualifier
    log_group = module.function.log_group
    timeout   = module.function.timeout
  }
}
