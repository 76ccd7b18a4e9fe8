# The alarms of each cell, in its own region: an alarm reads no other region's metrics.

locals {
  cell_alarms = {
    for place, cell in var.cells : place => concat(
      # No try(): with ids that are not known yet its answer would be unknown as a whole, and with it the names of the alarms.
      flatten([
        for alarms_of in [local.gateway_alarms, local.appsync_events_alarms, local.appsync_graphql_alarms, local.iot_core_alarms, local.refused_alarms] :
        [for other, alarms in alarms_of : alarms if other == place]
      ]),
      [
        for role, name in cell.functions : {
          name    = "${role}-errors", runbook = "function-errors", threshold = 0
          about   = "The function ${role} fails: an invocation ended with an error that it does not expect, or ran out of time."
          metrics = { errors = { namespace = "AWS/Lambda", name = "Errors", stat = "Sum", dimensions = { FunctionName = name } } }
        }
      ],
      [
        for role, name in cell.functions : {
          name    = "${role}-throttled", runbook = "function-throttled", threshold = 0
          about   = "Lambda refuses to run the function ${role}: no concurrency is left for it."
          metrics = { throttles = { namespace = "AWS/Lambda", name = "Throttles", stat = "Sum", dimensions = { FunctionName = name } } }
        }
      ],
      local.table_alarms[place],
    )
  }
}
