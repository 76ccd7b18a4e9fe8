output "name" {
  description = "The table's name."
  value       = aws_dynamodb_table.this.name
}

output "arn" {
  description = "The table's ARN, known before the table is made, so that a plan shows policies whole."
  value       = "arn:${var.deployment.partition}:dynamodb:${var.region}:${var.deployment.account_id}:table/${aws_dynamodb_table.this.name}"
}

output "deletion_protection" {
  description = "Whether the table refuses to be deleted."
  value       = aws_dynamodb_table.this.deletion_protection_enabled
}
