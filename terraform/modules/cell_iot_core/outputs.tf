output "references" {
  description = "Values of the transport's references (transports in system.json)."
  value       = { "transport.url" = "https://${data.aws_iot_endpoint.publish.endpoint_address}" }
}

output "address" {
  description = "Data that a viewer needs to connect."
  value       = { url = "wss://${aws_iot_domain_configuration.viewers.domain_name}/mqtt", namespace = local.topics }

  depends_on = [aws_lambda_permission.authorizer]
}

output "publish" {
  description = "Rights of a publisher, as action = resources."
  # The * stands for the channels of matches and viewers.
  value = { "iot:Publish" = ["${local.iot_arn}:topic/${local.topics}/*"] }
}

output "watched" {
  description = "The names of the rules, which CloudWatch counts."
  value       = { rules = { for name, rule in aws_iot_topic_rule.presence : name => rule.name } }
}

output "functions" {
  description = "The functions by their name in system.json."
  value       = module.parts.functions
}

output "tables" {
  description = "The tables by their name in system.json."
  value       = module.parts.tables
}

output "details" {
  description = "Resources that only a cell of this transport has: the authorizer and the domain configuration."
  value       = { authorizer = aws_iot_authorizer.viewers.name, domain_configuration = aws_iot_domain_configuration.viewers.name }
}

output "queues" {
  description = "The queues: none."
  value       = {}
}
