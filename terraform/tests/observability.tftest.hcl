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
    tables          = { matches = "livescore-matches" }
    stream          = "livescore-events"
    retention_hours = 24
    event_source    = "00000000-0000-0000-0000-000000000000"
    api_id          = "api"
  }
  cells = {
    eu-west-1 = {
      functions     = { sender = "livescore-sender", receipt = "livescore-receipt", routes = "livescore-routes", authorizer = "livescore-authorizer" }
      queues        = { set-aside-batches = "livescore-set-aside-batches" }
      tables        = { subscriptions = "livescore-subscriptions", broadcasts = "livescore-broadcasts" }
      api_id        = "ws"
      api_stage     = "live"
      state_machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:livescore-broadcast"
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
