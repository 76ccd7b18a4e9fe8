output "functions" {
  description = "The functions by their name in system.json: name, ARN, alias (null: none), log group, time-out in seconds."
  value = {
    for name, function in module.function : name => {
      name      = function.name
      arn       = function.arn
      qualifier = function.qualifier
      log_group = function.log_group
      timeout   = function.timeout
    }
  }
}

output "queues" {
  description = "The queues by their name in system.json: name, ARN and URL."
  value = {
    for name, arn in module.queues.arns : name => {
      name = module.queues.names[name]
      arn  = arn
      url  = module.queues.urls[name]
    }
  }
}

output "unhandled_bucket" {
  description = "The bucket of records that grew too old on the stream: name and ARN."
  value       = { name = aws_s3_bucket.unhandled.bucket, arn = aws_s3_bucket.unhandled.arn }
}

output "maximum_record_age" {
  description = "Seconds after which a record goes to that bucket."
  value       = local.maximum_record_age
}

output "event_source_ids" {
  description = "The ids of the stream's event sources by function, a dimension of what CloudWatch counts of them."
  value       = { for name, source in aws_lambda_event_source_mapping.stream : name => source.uuid }
}
