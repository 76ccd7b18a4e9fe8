output "name" {
  description = "The stream's name."
  value       = aws_kinesis_stream.this.name
}

output "arn" {
  description = "The stream's ARN, known before the stream is made, so that a plan shows policies whole."
  value       = "arn:${var.deployment.partition}:kinesis:${var.region}:${var.deployment.account_id}:stream/${aws_kinesis_stream.this.name}"
}

output "consumer_arn" {
  description = "The enhanced fan-out consumer's ARN, null without one. It ends with the time of its making."
  value       = one(aws_kinesis_stream_consumer.this[*].arn)
}

output "consumer_name" {
  description = "The enhanced fan-out consumer's name, null without one."
  value       = one(aws_kinesis_stream_consumer.this[*].name)
}

output "retention_seconds" {
  description = "Seconds for which the stream keeps records."
  value       = aws_kinesis_stream.this.retention_period * 3600
}
