output "references" {
  description = "Values of the transport's references (transports in system.json)."
  value       = { for name, value in var.momento : "transport.${name}" => value }
}

output "address" {
  description = "Data that a viewer needs to connect."
  value       = { url = var.momento.url, cache = var.momento.cache, namespace = var.cell.deployment.prefix }
}

output "publish" {
  description = "Rights of a publisher, as action = resources: read the API key."
  value       = { "ssm:GetParameter" = [local.parameter_arn] }
}

output "functions" {
  description = "The functions by their name in system.json."
  value       = module.parts.functions
}

output "tables" {
  description = "The tables by their name in system.json."
  value       = module.parts.tables
}

output "watched" {
  description = "Dimensions of CloudWatch's metrics of the cell: nothing, because Momento is no service of AWS."
  value       = {}
}

output "details" {
  description = "Resources that only a cell of this transport has: the cache."
  value       = { cache = var.momento.cache }
}

output "queues" {
  description = "The queues: none."
  value       = {}
}
