locals {
  # The mapping gives a record up while the record is still on the stream and can be read by hand. AWS allows a week at most.
  maximum_record_age = min(var.stream.retention_seconds - 300, 604800)
}

# There is no limit of retries, because it would throw away events that the API has answered with 202. The function itself sets
# poison records aside. A record that blocks for nearly as long as the stream keeps records goes to S3, whole.
resource "aws_lambda_event_source_mapping" "stream" {
  for_each = { for function, source in var.event_sources : function => source if source.stream != null }

  region                         = var.region
  function_name                  = module.function[each.key].target_arn
  event_source_arn               = var.enhanced_fan_out ? var.stream.consumer_arn : var.stream.arn
  starting_position              = each.value.starting_position
  batch_size                     = each.value.batch_size
  parallelization_factor         = var.parallelization_factor
  bisect_batch_on_function_error = true
  maximum_retry_attempts         = -1
  maximum_record_age_in_seconds  = local.maximum_record_age
  function_response_types        = each.value.report_batch_item_failures ? ["ReportBatchItemFailures"] : []

  destination_config {
    on_failure {
      destination_arn = aws_s3_bucket.unhandled.arn
    }
  }

  # Only this metric counts the records that are given up
  # (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html).
  metrics_config {
    metrics = ["EventCount"]
  }
}

resource "aws_lambda_event_source_mapping" "queue" {
  for_each = { for function, source in var.event_sources : function => source if source.queue != null }

  region                  = var.region
  function_name           = module.function[each.key].target_arn
  event_source_arn        = module.queues.arns[each.value.queue]
  batch_size              = each.value.batch_size
  function_response_types = each.value.report_batch_item_failures ? ["ReportBatchItemFailures"] : []

  # Without this limit the poller takes messages while no concurrency is left for the function. Each time counts as a receive,
  # and in the end the messages are set aside
  # (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html).
  scaling_config {
    maximum_concurrency = each.value.maximum_concurrency
  }

  lifecycle {
    precondition {
      condition     = var.queues[each.value.queue].visibility_timeout >= var.functions[each.key].timeout
      error_message = "Lambda refuses a queue whose visibility time-out is shorter than the function's time-out."
    }
  }
}

# If a function puts messages into the queue that invokes it, AWS stops it after about 16 invocations in one chain, and moves
# its message to the dead-letter queue
# (https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html). The watchdog checks a
# cell that does not answer until it answers: after 2, 4, 8 … 60 seconds, and then every 60 seconds.
resource "aws_lambda_function_recursion_config" "queue" {
  for_each = toset([
    for function, source in var.event_sources : function
    if source.queue != null && contains(values(var.functions[function].environment), "queue.${coalesce(source.queue, "none")}")
  ])

  region         = var.region
  function_name  = module.function[each.key].name
  recursive_loop = "Allow"
}
