# The graphs of the cells whose service tells every viewer of a channel by itself. The metrics are those of their alarms.

locals {
  appsync_dimensions = {
    for name, cell in var.cells : name => cell.transport == "appsync-events" ? ["EventAPIId", cell.watched.api_id] : ["GraphQLAPIId", cell.watched.api_id]
    if contains(["appsync-events", "appsync-graphql"], cell.transport)
  }

  # AppSync counts channels by the API and the namespace.
  appsync_channel_dimensions = {
    for name, dimensions in local.appsync_dimensions : name => concat(dimensions, var.cells[name].watched.namespace == null ? [] : ["ChannelNamespaceName", var.cells[name].watched.namespace])
  }

  appsync_graphs = {
    for name, dimensions in local.appsync_dimensions : name => [
      { title = "Publishes: requests and errors", metrics = [
        for metric in ["Requests", "4XXError", "5XXError"] : concat(["AWS/AppSync", metric], dimensions, [{ stat = "Sum" }])
      ] },
      { title = "Publishes: latency (ms)", metrics = [
        for stat in ["p50", "p99", "Maximum"] : concat(["AWS/AppSync", "Latency"], dimensions, [{ stat = stat, label = stat }])
      ] },
      { title = "Frames delayed and dropped", metrics = [
        for metric in ["InboundMessageDelayed", "InboundMessageDropped"] : concat(["AWS/AppSync", metric], local.appsync_channel_dimensions[name], [{ stat = "Sum" }])
      ] },
      { title = "Frames to viewers (of 5 KB)", metrics = [
        concat(["AWS/AppSync", "OutboundMessages"], local.appsync_channel_dimensions[name], [{ stat = "Sum" }])
      ] },
      { title = "Connections", metrics = concat(
        [for metric in ["ConnectSuccess", "ConnectClientError", "ConnectServerError"] : concat(["AWS/AppSync", metric], dimensions, [{ stat = "Sum" }])],
        [concat(["AWS/AppSync", "ActiveConnections"], dimensions, [{ stat = "Sum", label = "open connections", yAxis = "right" }])],
      ) },
    ]
  }

  iot_core_graphs = {
    for name, cell in var.cells : name => [
      { title = "Publishes", metrics = [
        for metric in ["PublishIn.Success", "PublishIn.Throttle", "PublishIn.ServerError"] : ["AWS/IoT", metric, "Protocol", "HTTP", { stat = "Sum" }]
      ] },
      { title = "Frames to viewers", metrics = [
        for metric in ["PublishOut.Success", "PublishOut.Throttle"] : ["AWS/IoT", metric, "Protocol", "MQTT", { stat = "Sum" }]
      ] },
      { title = "Connections", metrics = [
        for metric in ["Connect.Success", "Connect.AuthError", "Connect.Throttle", "Connect.ServerError"] : ["AWS/IoT", metric, "Protocol", "MQTT", { stat = "Sum" }]
      ] },
      { title = "Subscriptions", metrics = [
        for metric in ["Subscribe.Success", "Subscribe.AuthError", "Subscribe.Throttle", "Subscribe.ServerError"] : ["AWS/IoT", metric, "Protocol", "MQTT", { stat = "Sum" }]
      ] },
    ]
    if cell.transport == "iot-core"
  }

  authorizer_graphs = {
    for name, cell in var.cells : name => [
      { title = "Viewers let in and refused", metrics = [
        for metric in ["LetIn", "Refused"] : [local.namespace, metric, "deployment", "${var.prefix}${cell.suffix}", "service", local.authorizers[cell.transport], { stat = "Sum" }]
      ] },
    ]
    if cell.transport != "api-gateway" && contains(keys(local.authorizers), cell.transport)
  }
}
