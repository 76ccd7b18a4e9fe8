# One page for the whole system: home first, then a band for each cell.

locals {
  ours = var.metrics_namespace

  home_band = [
    { title = "Events", metrics = [
      [local.ours, "EventsApplied", "service", "fanout", { stat = "Sum" }],
      [local.ours, "EventsRefused", "service", "fanout", { stat = "Sum" }],
      [local.ours, "RecordsSetAside", "service", "fanout", { stat = "Sum" }],
    ] },
    { title = "From the operator's POST to the number (ms)", metrics = [
      for stat in ["p50", "p99", "Maximum"] : [local.ours, "NumberedAfter", "service", "fanout", { stat = stat, label = stat }]
    ] },
    { title = "Iterator age (ms)", metrics = concat(
      [["AWS/Lambda", "IteratorAge", "FunctionName", var.home.functions["fanout"], { stat = "Maximum", label = "of the fan-out" }]],
      [for consumer in compact([var.home.consumer]) : ["AWS/Kinesis", "SubscribeToShardEvent.MillisBehindLatest", "StreamName", var.home.stream, "ConsumerName", consumer, { stat = "Maximum", label = "of the consumer" }]],
    ) },
    { title = "Set aside, everywhere", metrics = concat(
      [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.home.queues["set-aside"], { stat = "Maximum", label = "records" }]],
      [for region, cell in var.cells : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", cell.queues["set-aside-batches"], { stat = "Maximum", region = region, label = "batches ${region}" }]],
      [["AWS/Lambda", "OnFailureDestinationDeliveredEventCount", "EventSourceMappingUUID", var.home.event_source, { stat = "Sum", label = "given up by the event source" }]],
    ) },
    { title = "HTTP API", metrics = [
      ["AWS/ApiGateway", "Count", "ApiId", var.home.api_id, "Stage", var.home.api_stage, { stat = "Sum" }],
      ["AWS/ApiGateway", "4xx", "ApiId", var.home.api_id, "Stage", var.home.api_stage, { stat = "Sum" }],
      ["AWS/ApiGateway", "5xx", "ApiId", var.home.api_id, "Stage", var.home.api_stage, { stat = "Sum" }],
    ] },
    { title = "Cells unreached, broadcasts restarted", metrics = [
      [local.ours, "CellsUnreached", "service", "fanout", { stat = "Sum" }],
      [local.ours, "Restarted", "service", "watchdog", { stat = "Sum" }],
    ] },
    { title = "Functions: errors and throttles", metrics = concat(
      [for role, name in var.home.functions : ["AWS/Lambda", "Errors", "FunctionName", name, { stat = "Sum", label = "${role} errors" }]],
      [for role, name in var.home.functions : ["AWS/Lambda", "Throttles", "FunctionName", name, { stat = "Sum", label = "${role} throttles" }]],
    ) },
    { title = "Functions: duration p99 (ms)", metrics = [
      for role, name in var.home.functions : ["AWS/Lambda", "Duration", "FunctionName", name, { stat = "p99", label = role }]
    ] },
  ]

  cell_bands = {
    for region, cell in var.cells : region => [
      { title = "From the goal to the gateway (ms)", metrics = [
        for stat in ["p50", "p90", "p99", "Maximum"] : [local.ours, "GoalToGateway", "service", "sender", { stat = stat, label = stat }]
      ] },
      { title = "POSTs to viewers", metrics = [
        for name in ["Accepted", "Gone", "Failed", "Throttled"] : [local.ours, name, "service", "sender", { stat = "Sum" }]
      ] },
      { title = "Send budget used (%)", metrics = [
        for stat in ["Average", "Maximum"] : [local.ours, "BudgetUsed", "service", "sender", { stat = stat, label = stat }]
      ] },
      { title = "Connections", metrics = [
        ["AWS/ApiGateway", "ConnectCount", "ApiId", cell.api_id, "Stage", cell.api_stage, { stat = "Sum", label = "new connections" }],
        [local.ours, "Subscribed", "service", "routes", { stat = "Sum", label = "subscribed" }],
        [local.ours, "Refused", "service", "authorizer", { stat = "Sum", label = "refused at the door" }],
        [local.ours, "Refused", "service", "routes", { stat = "Sum", label = "requests refused" }],
        ["AWS/ApiGateway", "MessageCount", "ApiId", cell.api_id, "Stage", cell.api_stage, { stat = "Sum", label = "messages, both ways", yAxis = "right" }],
      ] },
      { title = "Broadcasts", metrics = [
        [local.ours, "Broadcasts", "service", "receipt", { stat = "Sum" }],
        [local.ours, "BatchesSetAside", "service", "receipt", { stat = "Sum" }],
        ["AWS/States", "ExecutionsStarted", "StateMachineArn", cell.state_machine, { stat = "Sum" }],
        ["AWS/States", "ExecutionsFailed", "StateMachineArn", cell.state_machine, { stat = "Sum" }],
        ["AWS/States", "ExecutionsTimedOut", "StateMachineArn", cell.state_machine, { stat = "Sum" }],
      ] },
      { title = "A broadcast took (ms)", metrics = [
        for stat in ["p50", "p99", "Maximum"] : [local.ours, "BroadcastTook", "service", "receipt", { stat = stat, label = stat }]
      ] },
      { title = "Functions: errors and throttles", metrics = concat(
        [for role, name in cell.functions : ["AWS/Lambda", "Errors", "FunctionName", name, { stat = "Sum", label = "${role} errors" }]],
        [for role, name in cell.functions : ["AWS/Lambda", "Throttles", "FunctionName", name, { stat = "Sum", label = "${role} throttles" }]],
      ) },
      { title = "Functions at once", metrics = concat(
        [for role, name in cell.functions : ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", name, { stat = "Maximum", label = role }]],
        [["AWS/Lambda", "ConcurrentExecutions", { stat = "Maximum", label = "account" }]],
      ) },
    ]
  }

  # Eight graphs of a quarter of the width make two rows of six; a heading takes two, the state of the alarms three.
  band_height = 17
  bands = concat(
    [{ region = var.home.region, heading = "# ${var.prefix}: home, ${var.home.region}\nWhat to do about an alarm: ${var.runbooks}", graphs = local.home_band, alarms = keys(merge(local.home_alarm_keys...)) }],
    [for region in local.cell_regions : { region = region, heading = "# Cell ${region}", graphs = local.cell_bands[region], alarms = keys(merge(local.cell_alarm_keys[region]...)) }],
  )
  home_alarm_keys = [for alarm in local.home_alarms : { "${var.home.region}/${alarm.name}" = true }]
  cell_alarm_keys = { for region in local.cell_regions : region => [for alarm in concat(local.cell_alarms[region], local.region_alarms[region]) : { "${region}/${alarm.name}" = true }] }

  widgets = flatten([
    for row, band in local.bands : concat(
      [
        { type = "text", x = 0, y = row * local.band_height, width = 24, height = 2, properties = jsonencode({ markdown = band.heading }) },
        {
          type       = "alarm", x = 0, y = row * local.band_height + 2, width = 24, height = 3,
          properties = jsonencode({ title = "Alarms", alarms = [for key in band.alarms : aws_cloudwatch_metric_alarm.this[key].arn] })
        },
      ],
      [
        for place, graph in band.graphs : {
          type = "metric", x = place % 4 * 6, y = row * local.band_height + 5 + floor(place / 4) * 6, width = 6, height = 6,
          properties = jsonencode({
            title = graph.title, region = band.region, view = "timeSeries", period = 60, metrics = graph.metrics, yAxis = { left = { min = 0 } }
          })
        }
      ],
    )
  ])
}

resource "aws_cloudwatch_dashboard" "this" {
  region         = var.home.region
  dashboard_name = var.prefix
  # The properties were made text one by one, because a list wants things of one shape.
  dashboard_body = jsonencode({
    widgets = [for widget in local.widgets : merge(widget, { properties = jsondecode(widget.properties) })]
  })
}
