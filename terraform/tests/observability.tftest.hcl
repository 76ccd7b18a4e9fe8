# The observability module by itself: what it refuses.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  prefix = "livescore"
  home = {
    region          = "eu-west-1"
    functions       = { api = "livescore-api", fanout = "livescore-fanout", watchdog = "livescore-watchdog" }
    queues          = { set-aside = "livescore-set-aside", watchdog = "livescore-watchdog" }
    tables          = { matches = { name = "livescore-matches", indexes = ["by_day"] } }
    stream          = "livescore-events"
    retention_hours = 24
    event_source    = "00000000-0000-0000-0000-000000000000"
    api_id          = "api"
  }
  cells = {
    eu-west-1 = {
      region    = "eu-west-1"
      transport = "api-gateway"
      suffix    = ""
      functions = { sender = "livescore-sender", receipt = "livescore-receipt", routes = "livescore-routes", authorizer = "livescore-authorizer" }
      queues    = { set-aside-batches = "livescore-set-aside-batches" }
      tables    = { subscriptions = { name = "livescore-subscriptions", indexes = ["by_connection"] }, broadcasts = { name = "livescore-broadcasts", indexes = [] } }
      watched   = { api_id = "ws", api_stage = "live", state_machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:livescore-broadcast" }
    }
  }
}

run "a_budget_that_nobody_hears_of" {
  command = plan

  module { source = "./modules/observability" }

  variables { monthly_budget = 10 }

  expect_failures = [var.monthly_budget]
}

run "nobody_to_tell" {
  command = plan

  module { source = "./modules/observability" }

  variables { emails = ["not an address"] }

  expect_failures = [var.emails]
}

run "no_cells" {
  command = plan

  module { source = "./modules/observability" }

  variables { cells = {} }

  expect_failures = [var.cells]
}

run "the_runbooks_are_elsewhere" {
  command = plan

  module { source = "./modules/observability" }

  variables { runbooks = "https://example.org/operations.md" }

  assert {
    condition     = endswith(aws_cloudwatch_metric_alarm.this["eu-west-1/set-aside"].alarm_description, "Runbook: https://example.org/operations.md#set-aside")
    error_message = "An alarm leads to its section."
  }
}

run "home_is_no_cell" {
  command = plan

  module { source = "./modules/observability" }

  variables {
    cells = {
      us-east-1 = {
        region    = "us-east-1"
        transport = "api-gateway"
        suffix    = ""
        functions = { sender = "livescore-sender", receipt = "livescore-receipt", routes = "livescore-routes", authorizer = "livescore-authorizer" }
        queues    = { set-aside-batches = "livescore-set-aside-batches" }
        tables    = { subscriptions = { name = "livescore-subscriptions", indexes = ["by_connection"] }, broadcasts = { name = "livescore-broadcasts", indexes = [] } }
        watched   = { api_id = "ws", api_stage = "live", state_machine = "arn:aws:states:us-east-1:123456789012:stateMachine:livescore-broadcast" }
      }
    }
    watch_web       = true
    distribution_id = "E1"
  }

  assert {
    condition = length(setsubtract(
      [for key, alarm in aws_cloudwatch_metric_alarm.this : "arn:aws:cloudwatch:${alarm.region}:123456789012:alarm:${alarm.alarm_name}"],
      flatten([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : try(widget.properties.alarms, [])]),
    )) == 0
    error_message = "The dashboard shows the state of every alarm, also of home's region where home is no cell."
  }

  assert {
    condition     = contains(keys(aws_cloudwatch_metric_alarm.this), "eu-west-1/concurrency-near-quota")
    error_message = "Home's region is watched where home is no cell."
  }
}

run "another_deployment" {
  command = plan

  module { source = "./modules/observability" }

  variables { prefix = "north" }

  assert {
    condition = alltrue(flatten([
      for alarm in aws_cloudwatch_metric_alarm.this : [
        for query in alarm.metric_query : [
          for metric in query.metric : metric.dimensions["deployment"] == "north" if metric.namespace == "livescore"
        ]
      ]
    ]))
    error_message = "Alarms read the metrics of their own deployment."
  }
}
