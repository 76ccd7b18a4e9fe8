# The alarms of the cells whose transport is api-gateway.

locals {
  gateway_alarms = {
    for place, cell in var.cells : place => [
      {
        name    = "goal-to-gateway", runbook = "goal-to-gateway", threshold = var.goal_to_gateway_ms
        about   = "Goals take longer than ${var.goal_to_gateway_ms} ms from the operator to the gateway's last answer, for 1 lap in 100."
        metrics = { lap = { namespace = local.namespace, name = "GoalToGateway", stat = "p99", dimensions = { deployment = "${var.prefix}${cell.suffix}", service = "sender" } } }
      },
      {
        name       = "posts-throttled", runbook = "posts-throttled", threshold = 1
        about      = "More than 1 % of the POSTs to viewers are answered 429."
        expression = "IF(FILL(throttled, 0) > ${local.few}, 100 * throttled / (FILL(accepted, 0) + FILL(gone, 0) + FILL(failed, 0) + throttled), 0)"
        metrics    = { for id, name in { accepted = "Accepted", gone = "Gone", failed = "Failed", throttled = "Throttled" } : id => { namespace = local.namespace, name = name, stat = "Sum", dimensions = { deployment = "${var.prefix}${cell.suffix}", service = "sender" } } }
      },
      {
        name       = "posts-failed", runbook = "posts-failed", threshold = 1
        about      = "More than 1 % of the viewers of a broadcast were given up after all tries."
        expression = "IF(FILL(failed, 0) > ${local.few}, 100 * failed / (FILL(accepted, 0) + FILL(gone, 0) + failed), 0)"
        metrics    = { for id, name in { accepted = "Accepted", gone = "Gone", failed = "Failed" } : id => { namespace = local.namespace, name = name, stat = "Sum", dimensions = { deployment = "${var.prefix}${cell.suffix}", service = "sender" } } }
      },
      {
        name    = "budget-used-up", runbook = "budget-used-up", threshold = 95, minutes = 10
        about   = "The senders have used more than 95 % of the send budget for ten minutes: it decides how fast a goal is told."
        metrics = { used = { namespace = local.namespace, name = "BudgetUsed", stat = "Average", dimensions = { deployment = "${var.prefix}${cell.suffix}", service = "sender" } } }
      },
      {
        name    = "set-aside-batches", runbook = "set-aside-batches", threshold = 0
        about   = "Batches of a broadcast lie set aside: their viewers were not all told, and repair by themselves."
        metrics = { waiting = { namespace = "AWS/SQS", name = "ApproximateNumberOfMessagesVisible", stat = "Maximum", dimensions = { QueueName = cell.queues["set-aside-batches"] } } }
      },
      {
        name       = "broadcasts-failed", runbook = "broadcasts-failed", threshold = 0
        about      = "Executions of the state machine fail, are throttled or run out of time."
        expression = "FILL(failed, 0) + FILL(late, 0) + FILL(throttled, 0)"
        metrics    = { for id, name in { failed = "ExecutionsFailed", late = "ExecutionsTimedOut", throttled = "ExecutionThrottled" } : id => { namespace = "AWS/States", name = name, stat = "Sum", dimensions = { StateMachineArn = cell.watched.state_machine } } }
      },
      {
        name       = "rows-unreadable", runbook = "rows-unreadable", threshold = 0
        about      = "Rows of a match or of a viewer cannot be read in this cell: the others are told as ever."
        expression = "FILL(sender, 0) + FILL(receipt, 0) + FILL(routes, 0)"
        metrics    = { for service in ["sender", "receipt", "routes"] : service => { namespace = local.namespace, name = "RowsUnreadable", stat = "Sum", dimensions = { deployment = "${var.prefix}${cell.suffix}", service = service } } }
      },
      {
        name       = "aws-refused", runbook = "aws-refused", threshold = 0
        about      = "AWS refuses a call of a function in this cell: its permissions, its credentials, a resource or the call itself are wrong. It does not pass by itself."
        expression = "FILL(sender, 0) + FILL(receipt, 0) + FILL(routes, 0)"
        metrics    = { for service in ["sender", "receipt", "routes"] : service => { namespace = local.namespace, name = "AwsRefused", stat = "Sum", dimensions = { deployment = "${var.prefix}${cell.suffix}", service = service } } }
      },
      {
        name       = "websocket-errors", runbook = "websocket-errors", threshold = 5
        about      = "The viewers' WebSocket API cannot call its functions, or they answer with errors."
        expression = "FILL(answers, 0) + FILL(calls, 0)"
        metrics    = { for id, name in { answers = "IntegrationError", calls = "ExecutionError" } : id => { namespace = "AWS/ApiGateway", name = name, stat = "Sum", dimensions = { ApiId = cell.watched.api_id, Stage = cell.watched.api_stage } } }
      },
      {
        name    = "connections-near-quota", runbook = "connections-near-quota", threshold = floor(var.connections_per_second * 60 * 4 / 5)
        about   = "New connections come at four fifths of the quota of ${var.connections_per_second} a second, or more."
        metrics = { connects = { namespace = "AWS/ApiGateway", name = "ConnectCount", stat = "Sum", dimensions = { ApiId = cell.watched.api_id, Stage = cell.watched.api_stage } } }
      },
    ]
    if cell.transport == "api-gateway"
  }
}
