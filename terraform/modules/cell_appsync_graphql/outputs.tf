output "references" {
  description = "Values of the transport's references (transports in system.json)."
  value       = { "transport.url" = local.urls["GRAPHQL"] }

  # A publish before the resolvers are there would fail.
  depends_on = [aws_appsync_resolver.this, aws_lambda_permission.authorizer]
}

output "address" {
  description = "Data that a viewer needs to connect."
  value = {
    url       = local.urls["REALTIME"]
    host      = regex("^https://([^/]+)", local.urls["GRAPHQL"])[0]
    namespace = var.cell.deployment.prefix
  }
}

output "publish" {
  description = "Rights of a publisher, as action = resources."
  # https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html#aws-iam-authorization
  value = { "appsync:GraphQL" = ["${local.api_arn}/types/Mutation/fields/${local.mutation}"] }
}

output "watched" {
  description = "The dimension of what CloudWatch counts of the API."
  value       = { api_id = aws_appsync_graphql_api.this.id }
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
  value       = { api_id = aws_appsync_graphql_api.this.id, log_group = module.log.log_group }
}

output "queues" {
  description = "The queues: none."
  value       = {}
}
