# The alarms at home. Each alarm: a runbook's section, a sentence, metrics, and when it goes off.

locals {
  stream_ms = var.home.retention_hours * 3600 * 1000

  home_alarms = concat(
    [
      {
        name    = "iterator-age", runbook = "iterator-age", threshold = 10000
        about   = "The fan-out is more than 10 seconds behind the stream: goals are told late."
        metrics = { age = { namespace = "AWS/Lambda", name = "IteratorAge", stat = "Maximum", dimensions = { FunctionName = var.home.functions["fanout"] } } }
      },
      {
        name    = "records-near-their-end", runbook = "records-near-their-end", threshold = floor(local.stream_ms / 4)
        about   = "The fan-out is behind by a quarter of what the stream keeps: events answered 202 will age out."
        metrics = { age = { namespace = "AWS/Lambda", name = "IteratorAge", stat = "Maximum", dimensions = { FunctionName = var.home.functions["fanout"] } } }
      },
      {
        name    = "set-aside", runbook = "set-aside", threshold = 0
        about   = "Records or watchdog messages lie set aside: they were not understood, or failed for good."
        metrics = { waiting = { namespace = "AWS/SQS", name = "ApproximateNumberOfMessagesVisible", stat = "Maximum", dimensions = { QueueName = var.home.queues["set-aside"] } } }
      },
      {
        name    = "broadcasts-restarted", runbook = "broadcasts-restarted", threshold = 2
        about   = "The watchdog restarted broadcasts: executions end silently."
        metrics = { restarted = { namespace = local.namespace, name = "Restarted", stat = "Sum", dimensions = { deployment = var.prefix, service = "watchdog" } } }
      },
      {
        name    = "cells-unreached", runbook = "cells-unreached", threshold = 0
        about   = "The fan-out could not hand an event to a cell: its viewers are told when it is back."
        metrics = { unreached = { namespace = local.namespace, name = "CellsUnreached", stat = "Sum", dimensions = { deployment = var.prefix, service = "fanout" } } }
      },
      {
        name       = "frames-unpublished", runbook = "frames-unpublished", threshold = 0
        about      = "The service of a cell did not take a frame: the watchdog tries again. Of Momento CloudWatch knows nothing else."
        expression = "FILL(fanout, 0) + FILL(watchdog, 0)"
        metrics    = { for service in ["fanout", "watchdog"] : service => { namespace = local.namespace, name = "FramesUnpublished", stat = "Sum", dimensions = { deployment = var.prefix, service = service } } }
      },
      {
        name       = "home-rows-unreadable", runbook = "rows-unreadable", threshold = 0
        about      = "Rows of a match cannot be read: that match stands or shows less, the others go on."
        expression = "FILL(api, 0) + FILL(fanout, 0) + FILL(watchdog, 0)"
        metrics    = { for service in ["api", "fanout", "watchdog"] : service => { namespace = local.namespace, name = "RowsUnreadable", stat = "Sum", dimensions = { deployment = var.prefix, service = service } } }
      },
      {
        name       = "home-aws-refused", runbook = "aws-refused", threshold = 0
        about      = "AWS refuses a call of a function at home: its permissions, its credentials, a resource or the call itself are wrong. It does not pass by itself."
        expression = "FILL(api, 0) + FILL(fanout, 0) + FILL(watchdog, 0)"
        metrics    = { for service in ["api", "fanout", "watchdog"] : service => { namespace = local.namespace, name = "AwsRefused", stat = "Sum", dimensions = { deployment = var.prefix, service = service } } }
      },
      {
        name    = "stream-throttled", runbook = "stream-throttled", threshold = 0
        about   = "The stream refused records: operators are answered 503."
        metrics = { refused = { namespace = "AWS/Kinesis", name = "WriteProvisionedThroughputExceeded", stat = "Sum", dimensions = { StreamName = var.home.stream } } }
      },
      {
        name    = "operators-api-errors", runbook = "operators-api-errors", threshold = 0
        about   = "The HTTP API answers 5xx: operators cannot post, or viewers cannot repair."
        metrics = { errors = { namespace = "AWS/ApiGateway", name = "5xx", stat = "Sum", dimensions = { ApiId = var.home.api_id, Stage = var.home.api_stage } } }
      },
      {
        name    = "http-throttled", runbook = "http-throttled", threshold = local.few
        about   = "The HTTP API refuses more than ${local.few} requests of a minute with 429: a throttle is used up, and readers see an old score or none."
        metrics = { refused = { namespace = local.namespace, name = "HttpThrottled", stat = "Sum", dimensions = { deployment = var.prefix, service = "http" } } }
      },
      {
        name    = "records-discarded", runbook = "records-discarded", threshold = 0
        about   = "The event source gave records up: they lie in the bucket of failed records, and were never numbered."
        metrics = { given_up = { namespace = "AWS/Lambda", name = "OnFailureDestinationDeliveredEventCount", stat = "Sum", dimensions = { EventSourceMappingUUID = var.home.event_source } } }
      },
    ],
    [
      for role, name in var.home.functions : {
        name    = "${role}-errors", runbook = "function-errors", threshold = 0
        about   = "The function ${role} fails: an invocation ended with an error that it does not expect, or ran out of time."
        metrics = { errors = { namespace = "AWS/Lambda", name = "Errors", stat = "Sum", dimensions = { FunctionName = name } } }
      }
    ],
    [
      for role, name in var.home.functions : {
        name    = "${role}-throttled", runbook = "function-throttled", threshold = 0
        about   = "Lambda refuses to run the function ${role}: no concurrency is left for it."
        metrics = { throttles = { namespace = "AWS/Lambda", name = "Throttles", stat = "Sum", dimensions = { FunctionName = name } } }
      }
    ],
    local.table_alarms["home"],
  )

  web_alarms = !var.watch_web ? [] : [
    {
      name  = "web-errors", runbook = "web-errors", threshold = 1
      about = "More than 1 % of what CloudFront is asked for is answered 5xx: viewers cannot repair, or see no page."
      # CloudFront counts no answers 5xx, only their share.
      expression = "IF(FILL(requests, 0) * FILL(share, 0) > 100 * ${local.few}, share, 0)"
      metrics = {
        share    = { namespace = "AWS/CloudFront", name = "5xxErrorRate", stat = "Average", dimensions = { DistributionId = var.distribution_id, Region = "Global" } }
        requests = { namespace = "AWS/CloudFront", name = "Requests", stat = "Sum", dimensions = { DistributionId = var.distribution_id, Region = "Global" } }
      }
    },
  ]
}
