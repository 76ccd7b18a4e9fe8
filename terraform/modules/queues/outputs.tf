output "names" {
  description = "The queues' names, by their name in system.json."
  value       = { for name, queue in aws_sqs_queue.this : name => queue.name }
}

output "arns" {
  description = "The queues' ARNs, by their name in system.json."
  value       = local.arns

  # By name, and yet not before the queues are there.
  depends_on = [aws_sqs_queue.this]
}

output "urls" {
  description = "The queues' URLs, by their name in system.json."
  value = {
    for name, queue in aws_sqs_queue.this : name => "https://sqs.${var.region}.${var.deployment.dns_suffix}/${var.deployment.account_id}/${queue.name}"
  }
}
