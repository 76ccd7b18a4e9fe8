# One page for the whole system: home first, then a band for each cell.

locals {
  home_band = [
    { title = "Events", metrics = [
      [local.namespace, "EventsApplied", "deployment", var.prefix, "service", "fanout", { stat = "Sum" }],
      [local.namespace, "EventsRefused", "deployment", var.prefix, "service", "fanout", { stat = "Sum" }],
      [local.namespace, "RecordsSetAside", "deployment", var.prefix, "service", "fanout", { stat = "Sum" }],
    ] },
    { title = "From the operator's POST to the number (ms)", metrics = [
      for stat in ["p50", "p99", "Maximum"] : [local.namespace, "NumberedAfter", "deployment", var.prefix, "service", "fanout", { stat = stat, label = stat }]
    ] },
    { title = "Iterator age (ms)", metrics = concat(
      [["AWS/Lambda", "IteratorAge", "FunctionName", var.home.functions["fanout"], { stat = "Maximum", label = "of the fan-out" }]],
      [for consumer in compact([var.home.consumer]) : ["AWS/Kinesis", "SubscribeToShardEvent.MillisBehindLatest", "StreamName", var.home.stream, "ConsumerName", consumer, { stat = "Maximum", label = "of the consumer" }]],
    ) },
    { title = "Set aside, everywhere", metrics = concat(
      [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.home.queues["set-aside"], { stat = "Maximum", label = "records" }]],
      [for name, cell in var.cells : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", cell.queues["set-aside-batches"], { stat = "Maximum", region = cell.region, label = "batches ${name}" }] if contains(keys(cell.queues), "set-aside-batches")],
      [["AWS/Lambda", "OnFailureDestinationDeliveredEventCount", "EventSourceMappingUUID", var.home.event_source, { stat = "Sum", label = "given up by the event source" }]],
    ) },
    { title = "HTTP API", metrics = [
      ["AWS/ApiGateway", "Count", "ApiId", var.home.api_id, "Stage", var.home.api_stage, { stat = "Sum" }],
      ["AWS/ApiGateway", "4xx", "ApiId", var.home.api_id, "Stage", var.home.api_stage, { stat = "Sum" }],
      ["AWS/ApiGateway", "5xx", "ApiId", var.home.api_id, "Stage", var.home.api_stage, { stat = "Sum" }],
      [local.namespace, "HttpThrottled", "deployment", var.prefix, "service", "http", { stat = "Sum", label = "429" }],
    ] },
    { title = "Cells unreached, frames unpublished, broadcasts restarted", metrics = [
      [local.namespace, "CellsUnreached", "deployment", var.prefix, "service", "fanout", { stat = "Sum" }],
      [local.namespace, "FramesUnpublished", "deployment", var.prefix, "service", "fanout", { stat = "Sum" }],
      [local.namespace, "FramesUnpublished", "deployment", var.prefix, "service", "watchdog", { stat = "Sum" }],
      [local.namespace, "Restarted", "deployment", var.prefix, "service", "watchdog", { stat = "Sum" }],
    ] },
    { title = "Functions: errors and throttles", metrics = concat(
      [for role, name in var.home.functions : ["AWS/Lambda", "Errors", "FunctionName", name, { stat = "Sum", label = "${role} errors" }]],
      [for role, name in var.home.functions : ["AWS/Lambda", "Throttles", "FunctionName", name, { stat = "Sum", label = "${role} throttles" }]],
    ) },
    { title = "Functions: duration p99 (ms)", metrics = [
      for role, name in var.home.functions : ["AWS/Lambda", "Duration", "FunctionName", name, { stat = "p99", label = role }]
    ] },
  ]

  gateway_graphs = {
    for name, cell in var.cells : name => [
      { title = "From the goal to the gateway (ms)", metrics = [
        for stat in ["p50", "p90", "p99", "Maximum"] : [local.namespace, "GoalToGateway", "deployment", "${var.prefix}${cell.suffix}", "service", "sender", { stat = stat, label = stat }]
      ] },
      { title = "POSTs to viewers", metrics = [
        for name in ["Accepted", "Gone", "Failed", "Throttled"] : [local.namespace, name, "deployment", "${var.prefix}${cell.suffix}", "service", "sender", { stat = "Sum" }]
      ] },
      { title = "Send budget used (%)", metrics = [
        for stat in ["Average", "Maximum"] : [local.namespace, "BudgetUsed", "deployment", "${var.prefix}${cell.suffix}", "service", "sender", { stat = stat, label = stat }]
      ] },
      { title = "Connections", metrics = [
        ["AWS/ApiGateway", "ConnectCount", "ApiId", cell.watched.api_id, "Stage", cell.watched.api_stage, { stat = "Sum", label = "new connections" }],
        [local.namespace, "Subscribed", "deployment", "${var.prefix}${cell.suffix}", "service", "routes", { stat = "Sum", label = "subscribed" }],
        [local.namespace, "Refused", "deployment", "${var.prefix}${cell.suffix}", "service", "authorizer", { stat = "Sum", label = "refused at the door" }],
        [local.namespace, "Refused", "deployment", "${var.prefix}${cell.suffix}", "service", "routes", { stat = "Sum", label = "requests refused" }],
        ["AWS/ApiGateway", "MessageCount", "ApiId", cell.watched.api_id, "Stage", cell.watched.api_stage, { stat = "Sum", label = "messages, both ways", yAxis = "right" }],
      ] },
      { title = "Broadcasts", metrics = [
        [local.namespace, "Broadcasts", "deployment", "${var.prefix}${cell.suffix}", "service", "receipt", { stat = "Sum" }],
        [local.namespace, "BatchesSetAside", "deployment", "${var.prefix}${cell.suffix}", "service", "receipt", { stat = "Sum" }],
        ["AWS/States", "ExecutionsStarted", "StateMachineArn", cell.watched.state_machine, { stat = "Sum" }],
        ["AWS/States", "ExecutionsFailed", "StateMachineArn", cell.watched.state_machine, { stat = "Sum" }],
        ["AWS/States", "ExecutionsTimedOut", "StateMachineArn", cell.watched.state_machine, { stat = "Sum" }],
      ] },
      { title = "A broadcast took (ms)", metrics = [
        for stat in ["p50", "p99", "Maximum"] : [local.namespace, "BroadcastTook", "deployment", "${var.prefix}${cell.suffix}", "service", "receipt", { stat = stat, label = stat }]
      ] },
    ]
    if cell.transport == "api-gateway"
  }

  cell_bands = {
    for name, cell in var.cells : name => concat(
      flatten([for graphs_of in [local.gateway_graphs, local.appsync_graphs, local.iot_core_graphs, local.authorizer_graphs] : [for other, graphs in graphs_of : graphs if other == name]]),
      [
        { title = "Functions: errors and throttles", metrics = concat(
          [for role, name in cell.functions : ["AWS/Lambda", "Errors", "FunctionName", name, { stat = "Sum", label = "${role} errors" }]],
          [for role, name in cell.functions : ["AWS/Lambda", "Throttles", "FunctionName", name, { stat = "Sum", label = "${role} throttles" }]],
        ) },
        { title = "Functions at once", metrics = concat(
          [for role, name in cell.functions : ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", name, { stat = "Maximum", label = role }]],
          [["AWS/Lambda", "ConcurrentExecutions", { stat = "Maximum", label = "account" }]],
        ) },
      ],
    )
  }

  # ARNs are put together from names, so that a plan shows the whole dashboard.
  alarm_arns = {
    for key, alarm in aws_cloudwatch_metric_alarm.this :
    key => "arn:${data.aws_partition.current.partition}:cloudwatch:${alarm.region}:${data.aws_caller_identity.current.account_id}:alarm:${alarm.alarm_name}"
  }

  # Eight graphs of a quarter of the width make two rows of six; a heading takes two, the state of the alarms three.
  band_height = 17
  bands = concat(
    [{ region = var.home.region, heading = "# ${var.prefix}: home, ${var.home.region}\nWhat to do about an alarm: ${var.runbooks}", graphs = local.home_band, alarms = local.home_states }],
    [for name, cell in var.cells : { region = cell.region, heading = name == cell.region ? "# Cell ${name}" : "# Cell ${name}, ${cell.region}", graphs = local.cell_bands[name], alarms = local.cell_states[name] }],
  )

  first_cells = { for region in local.cell_regions : region => [for name, cell in var.cells : name if cell.region == region][0] }

  # The keys of the alarms whose state a band shows. Home's band has all alarms of no cell: also those of home's region if home is
  # no cell, and those of us-east-1 for the web.
  cell_states = {
    for name, cell in var.cells : name => sort(concat(
      [for alarm in local.cell_alarms[name] : "${name}/${alarm.name}"],
      # The alarms of a region stand in the band of its first cell.
      [for alarm in local.region_alarms[cell.region] : "${cell.region}/${alarm.name}" if name == local.first_cells[cell.region]],
    ))
  }
  home_states = sort(setsubtract(keys(local.alarms), flatten(values(local.cell_states))))

  widgets = flatten([
    for row, band in local.bands : concat(
      [
        { type = "text", x = 0, y = row * local.band_height, width = 24, height = 2, properties = jsonencode({ markdown = band.heading }) },
        {
          type       = "alarm", x = 0, y = row * local.band_height + 2, width = 24, height = 3,
          properties = jsonencode({ title = "Alarms", alarms = [for key in band.alarms : local.alarm_arns[key]] })
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
  # Each widget's properties become text first, because all elements of a list must have one type.
  dashboard_body = jsonencode({
    widgets = [for widget in local.widgets : merge(widget, { properties = jsondecode(widget.properties) })]
  })
}
