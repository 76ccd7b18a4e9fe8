# The alarms of the cells whose service tells every viewer of a channel by itself. Momento is no service of AWS, so CloudWatch
# counts nothing of it: the alarms at home frames-unpublished and cells-unreached say when it takes no frame.

locals {
  # AppSync counts the real-time side of an Event API by the API, and by its namespace as well
  # (https://docs.aws.amazon.com/appsync/latest/eventapi/cw-metrics.html).
  events_dimensions = {
    for place, cell in var.cells : place => {
      api       = { EventAPIId = cell.watched.api_id }
      namespace = { EventAPIId = cell.watched.api_id, ChannelNamespaceName = cell.watched.namespace }
    }
    if cell.transport == "appsync-events"
  }

  appsync_events_alarms = {
    for place, dimensions in local.events_dimensions : place => [
      {
        name       = "messages-dropped", runbook = "appsync-messages-dropped", threshold = 0
        about      = "AppSync drops frames, because a quota of messages is used up: it tells nobody, and viewers repair by themselves."
        expression = "FILL(api, 0) + FILL(namespace, 0)"
        metrics    = { for id, each in dimensions : id => { namespace = "AWS/AppSync", name = "InboundMessageDropped", stat = "Sum", dimensions = each } }
      },
      {
        name       = "messages-delayed", runbook = "appsync-messages-delayed", threshold = 0
        about      = "AppSync tells frames late, because a quota of messages is used up. The next step is to drop them."
        expression = "FILL(api, 0) + FILL(namespace, 0)"
        metrics    = { for id, each in dimensions : id => { namespace = "AWS/AppSync", name = "InboundMessageDelayed", stat = "Sum", dimensions = each } }
      },
      {
        name    = "publish-errors", runbook = "appsync-publish-errors", threshold = 0
        about   = "AppSync answers publishes with errors of its own: the watchdog tries again."
        metrics = { errors = { namespace = "AWS/AppSync", name = "5XXError", stat = "Sum", dimensions = dimensions.api } }
      },
      {
        name       = "connect-errors", runbook = "appsync-connect-errors", threshold = 5
        about      = "AppSync refuses connections or subscriptions of viewers with errors of its own."
        expression = "FILL(connects, 0) + FILL(subscribes, 0)"
        metrics = {
          connects   = { namespace = "AWS/AppSync", name = "ConnectServerError", stat = "Sum", dimensions = dimensions.api }
          subscribes = { namespace = "AWS/AppSync", name = "SubscribeServerError", stat = "Sum", dimensions = dimensions.namespace }
        }
      },
      {
        name    = "connections-near-quota", runbook = "connections-near-quota", threshold = floor(var.quotas.appsync_connects * 60 * 4 / 5)
        about   = "New connections come at four fifths of AppSync's quota of ${var.quotas.appsync_connects} a second, or more."
        metrics = { connects = { namespace = "AWS/AppSync", name = "ConnectSuccess", stat = "Sum", dimensions = dimensions.api } }
      },
    ]
  }

  # https://docs.aws.amazon.com/appsync/latest/devguide/monitoring.html
  appsync_graphql_alarms = {
    for place, cell in var.cells : place => [
      {
        name       = "messages-dropped", runbook = "appsync-messages-dropped", threshold = 0
        about      = "AppSync drops frames, because a quota of messages is used up or a frame is too long: it tells nobody, and viewers repair by themselves."
        expression = "FILL(dropped, 0) + FILL(too_long, 0) + FILL(failed, 0)"
        metrics = {
          for id, name in { dropped = "InboundMessageDropped", too_long = "InboundMessageError", failed = "InboundMessageFailure" } :
          id => { namespace = "AWS/AppSync", name = name, stat = "Sum", dimensions = { GraphQLAPIId = cell.watched.api_id } }
        }
      },
      {
        name    = "messages-delayed", runbook = "appsync-messages-delayed", threshold = 0
        about   = "AppSync tells frames late, because a quota of messages is used up. The next step is to drop them."
        metrics = { delayed = { namespace = "AWS/AppSync", name = "InboundMessageDelayed", stat = "Sum", dimensions = { GraphQLAPIId = cell.watched.api_id } } }
      },
      {
        name    = "publish-errors", runbook = "appsync-publish-errors", threshold = 0
        about   = "AppSync answers publishes with errors of its own: the watchdog tries again."
        metrics = { errors = { namespace = "AWS/AppSync", name = "5XXError", stat = "Sum", dimensions = { GraphQLAPIId = cell.watched.api_id } } }
      },
      {
        name       = "connect-errors", runbook = "appsync-connect-errors", threshold = 5
        about      = "AppSync refuses connections or subscriptions of viewers with errors of its own."
        expression = "FILL(connects, 0) + FILL(subscribes, 0)"
        metrics = {
          for id, name in { connects = "ConnectServerError", subscribes = "SubscribeServerError" } :
          id => { namespace = "AWS/AppSync", name = name, stat = "Sum", dimensions = { GraphQLAPIId = cell.watched.api_id } }
        }
      },
      {
        name    = "connections-near-quota", runbook = "connections-near-quota", threshold = floor(var.quotas.appsync_connects * 60 * 4 / 5)
        about   = "New connections come at four fifths of AppSync's quota of ${var.quotas.appsync_connects} a second, or more."
        metrics = { connects = { namespace = "AWS/AppSync", name = "ConnectRequests", stat = "Sum", dimensions = { GraphQLAPIId = cell.watched.api_id } } }
      },
    ]
    if cell.transport == "appsync-graphql"
  }

  # IoT Core counts by protocol, for the whole account in a region: also clients that are not ours
  # (https://docs.aws.amazon.com/iot/latest/developerguide/metrics_dimensions.html). We publish over HTTPS; viewers have MQTT.
  iot_core_alarms = {
    for place, cell in var.cells : place => concat(
      [
        {
          name       = "publishes-throttled", runbook = "iot-publishes-throttled", threshold = 0
          about      = "IoT Core throttles publishes or answers them with errors of its own: the watchdog tries again."
          expression = "FILL(throttled, 0) + FILL(errors, 0)"
          metrics = {
            for id, name in { throttled = "PublishIn.Throttle", errors = "PublishIn.ServerError" } :
            id => { namespace = "AWS/IoT", name = name, stat = "Sum", dimensions = { Protocol = "HTTP" } }
          }
        },
        {
          name    = "messages-throttled", runbook = "iot-messages-throttled", threshold = 0
          about   = "IoT Core does not send frames to some viewers, because a quota of outbound messages is used up: these viewers repair by themselves."
          metrics = { throttled = { namespace = "AWS/IoT", name = "PublishOut.Throttle", stat = "Sum", dimensions = { Protocol = "MQTT" } } }
        },
        {
          name       = "connect-errors", runbook = "iot-connect-errors", threshold = 5
          about      = "IoT Core refuses connections or subscriptions with errors of its own."
          expression = "FILL(connects, 0) + FILL(subscribes, 0)"
          metrics = {
            for id, name in { connects = "Connect.ServerError", subscribes = "Subscribe.ServerError" } :
            id => { namespace = "AWS/IoT", name = name, stat = "Sum", dimensions = { Protocol = "MQTT" } }
          }
        },
        {
          name       = "connects-throttled", runbook = "iot-connects-throttled", threshold = 0
          about      = "IoT Core throttles connections or subscriptions: viewers try again, and come in later."
          expression = "FILL(connects, 0) + FILL(subscribes, 0)"
          metrics = {
            for id, name in { connects = "Connect.Throttle", subscribes = "Subscribe.Throttle" } :
            id => { namespace = "AWS/IoT", name = name, stat = "Sum", dimensions = { Protocol = "MQTT" } }
          }
        },
      ],
      [
        for name, rule in cell.watched.rules : {
          name       = "${name}-rule-failed", runbook = "iot-rule-failed", threshold = 0
          about      = "IoT Core does not tell the function iot_presence of viewers who come and go: their number is wrong."
          expression = "FILL(throttled, 0) + FILL(failed, 0)"
          metrics = {
            throttled = { namespace = "AWS/IoT", name = "RuleMessageThrottled", stat = "Sum", dimensions = { RuleName = rule } }
            failed    = { namespace = "AWS/IoT", name = "Failure", stat = "Sum", dimensions = { ActionType = "Lambda", RuleName = rule } }
          }
        }
      ],
      contains(keys(cell.functions), "iot_presence") ? [
        {
          name    = "aws-refused", runbook = "aws-refused", threshold = 0
          about   = "AWS refuses a call of the function iot_presence in this cell: its permissions, its credentials, a resource or the call itself are wrong. It does not pass by itself."
          metrics = { refused = { namespace = local.namespace, name = "AwsRefused", stat = "Sum", dimensions = { deployment = "${var.prefix}${cell.suffix}", service = "iot_presence" } } }
        },
      ] : [],
    )
    if cell.transport == "iot-core"
  }

  # The function that decides about viewers, by transport.
  authorizers = { "api-gateway" = "authorizer", "appsync-events" = "events_authorizer", "appsync-graphql" = "graphql_authorizer", "iot-core" = "iot_authorizer" }

  refused_alarms = {
    for place, cell in var.cells : place => [
      {
        name       = "viewers-refused", runbook = "viewers-refused", threshold = 50
        about      = "More than half of the viewers who come are refused."
        expression = "IF(FILL(refused, 0) > ${local.few}, 100 * refused / (FILL(let_in, 0) + refused), 0)"
        metrics = {
          for id, name in { let_in = "LetIn", refused = "Refused" } :
          id => { namespace = local.namespace, name = name, stat = "Sum", dimensions = { deployment = "${var.prefix}${cell.suffix}", service = local.authorizers[cell.transport] } }
        }
      },
    ]
    if contains(keys(local.authorizers), cell.transport)
  }
}
