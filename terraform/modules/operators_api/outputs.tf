output "url" {
  description = "Address at which operators post and readers read: the API's own domain if it has one."
  value       = "https://${coalesce(one(module.domain[*].name), local.host)}"
}

output "site_key" {
  description = "The key that CloudFront sends, null without; known once the function takes it, so that no reader is refused while keys change."
  value       = try(var.site_keys[0], null)
  sensitive   = true
  depends_on  = [module.function]
}

output "api" {
  description = "The HTTP API: id, name and stage."
  value = {
    id    = aws_apigatewayv2_api.this.id
    name  = aws_apigatewayv2_api.this.name
    stage = local.stage
  }
}

output "domain_target" {
  description = "Target of the record of the API's domain, null without a domain."
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
