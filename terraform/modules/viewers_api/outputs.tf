output "id" {
  description = "The API's id."
  value       = aws_apigatewayv2_api.this.id
}

output "name" {
  description = "The API's name."
  value       = aws_apigatewayv2_api.this.name
}

output "stage" {
  description = "The name of the stage."
  value       = var.api.stage
}

output "url" {
  description = "Address to which viewers connect."
  value       = "wss://${local.host}/${var.api.stage}"
}

output "connections_url" {
  description = "URL at which messages are posted to connections, without /@connections."
  value       = "https://${local.host}/${var.api.stage}"
}

output "connections_arn" {
  description = "The ARN of the stage's connections for a method: connections_arn/METHOD/@connections/*."
  value       = "${local.execution_arn}/${var.api.stage}"
}

output "deployed_stage" {
  description = "The name of the stage, known when it is deployed: for what must wait for it."
  value       = aws_apigatewayv2_stage.this.name
}
