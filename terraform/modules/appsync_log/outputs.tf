output "role_arn" {
  description = "The role with which AppSync writes the log."
  value       = aws_iam_role.this.arn
}

output "log_group" {
  description = "The name of the log group."
  value       = aws_cloudwatch_log_group.this.name
}
