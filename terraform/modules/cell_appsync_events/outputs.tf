output "references" {
  description = "Values of the transport's references (transports in system.json)."
  value       = { "transport.url" = "https://${local.hosts["HTTP"]}/event" }

  # A publish before the namespace is there would fail.
  depends_on = [aws_appsync_channel_namespace.this, aws_lambda_permission.authorizer]
}

output "address" {
  description = "Data that a viewer needs to connect."
  value = {
    url       = "wss://${local.hosts["REALTIME"]}/event/realtime"
    host      = local.hosts["HTTP"]
    namespace = local.namespace
  }
}

output "publish" {
  description = "Rights of a publisher, as action = resources."
  # https://docs.aws.amazon.com/appsync/latest/eventapi/configure-event-api-auth.html
  value = { "appsync:EventPublish" = ["${local.api_arn}/channelNamespace/${local.namespace}"] }
}

output "watched" {
  description = "The dimensions of what CloudWatch counts of the API."
  value       = { api_id = aws_appsync_api.this.api_id, namespace = local.namespace }
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
  description = "Resources that only a cell of this transport has: the API."
  value       = { api_id = aws_appsync_api.this.api_id, log_group = module.log.log_group }
}

output "queues" {
  description = "The queues: none."
  value       = {}
}
