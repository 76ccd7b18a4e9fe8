# Variables that would make a deployment that does not work, or harms.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  settings = {
    issuer            = "https://issuer.example.org"
    jwks_url          = "https://issuer.example.org/.well-known/jwks.json"
    viewer_audience   = "viewers"
    operator_audience = "operators"
  }
}

run "a_setting_that_does_not_exist" {
  command = plan

  variables {
    settings = { issuer = "https://i.example.org", jwks_url = "https://i.example.org/k", viewer_audience = "v", operator_audience = "o", sendrate = "1" }
  }

  expect_failures = [var.settings]
}

run "nobody_issues_tokens" {
  command = plan

  variables { settings = { anonymous = "on" } }

  expect_failures = [var.settings]
}

run "a_prefix_with_capitals" {
  command = plan

  variables { prefix = "Livescore" }

  expect_failures = [var.prefix]
}

run "a_throttle_of_nothing" {
  command = plan

  variables { websocket_throttles = { subscribe = { rate = 0, burst = 0 } } }

  expect_failures = [var.websocket_throttles]
}

run "a_throttle_of_no_route" {
  command = plan

  variables { http_throttles = { "GET /nothing" = { rate = 1, burst = 1 } } }

  expect_failures = [var.http_throttles]
}

run "concurrency_of_no_function" {
  command = plan

  variables { home = { reserved_concurrency = { sender = 1 } } }

  expect_failures = [var.home]
}

run "another_processor" {
  command = plan

  variables {
    architecture = "riscv"
    package      = "../dist/lambda-arm64.zip"
  }

  expect_failures = [var.architecture]
}

run "no_zip" {
  command = plan

  variables { package = "nowhere.zip" }

  expect_failures = [var.package]
}

run "logs_kept_for_no_time_that_there_is" {
  command = plan

  variables { log_retention_days = 31 }

  expect_failures = [var.log_retention_days]
}

run "an_endpoint_with_a_path" {
  command = plan

  variables { endpoint = "http://127.0.0.1:4566/path" }

  expect_failures = [var.endpoint]
}
