output "name" {
  description = "The function's name."
  value       = aws_lambda_function.this.function_name
}

output "arn" {
  description = "The function's ARN, without a qualifier; known before the function is made."
  value       = local.arn
}

output "qualifier" {
  description = "The alias that callers call, null where they call the function itself."
  value       = one(aws_lambda_alias.live[*].name)
}

output "target_arn" {
  description = "ARN that callers call: the alias's ARN with provisioned concurrency, else the function's."
  value       = local.target_arn
}

output "invoke_arn" {
  description = "The URI by which API Gateway calls the function, or its alias."
  value       = "arn:${var.deployment.partition}:apigateway:${var.region}:lambda:path/2015-03-31/functions/${local.target_arn}/invocations"
}

output "role_name" {
  description = "The name of the function's role."
  value       = aws_iam_role.this.name
}

output "log_group" {
  description = "The name of the function's log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "timeout" {
  description = "The function's time-out in seconds."
  value       = var.function.timeout
}
