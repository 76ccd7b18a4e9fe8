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

run "nobody_issues_tokens_and_no_zip" {
  command = plan

  variables {
    settings = { anonymous = "on" }
    package  = "nowhere.zip"
  }

  expect_failures = [var.settings, var.package]
}

run "values_that_are_none" {
  command = plan

  variables {
    prefix              = "Livescore"
    log_retention_days  = 31
    endpoint            = "http://127.0.0.1:4566/path"
    architecture        = "riscv"
    websocket_throttles = { subscribe = { rate = 0, burst = 0 } }
    http_throttles      = { "GET /nothing" = { rate = 1, burst = 1 } }
    home                = { reserved_concurrency = { sender = 1 } }
  }

  expect_failures = [
    var.prefix, var.log_retention_days, var.endpoint, var.architecture, var.websocket_throttles,
    var.http_throttles, var.home,
  ]
}

run "a_prefix_that_parameters_must_not_have" {
  command = plan

  variables {
    prefix = "ssm-livescore"
  }

  expect_failures = [var.prefix]
}

run "fewer_watchdogs_than_their_queue_may_use" {
  command = plan

  variables {
    home = { reserved_concurrency = { watchdog = 2 } }
  }

  expect_failures = [var.home]
}

run "a_site_that_may_not_open_a_socket" {
  command = plan

  variables {
    settings = {
      issuer            = "https://issuer.example.org"
      jwks_url          = "https://issuer.example.org/.well-known/jwks.json"
      operator_audience = "operators"
      origins           = "https://scores.example.org"
    }
    web = {
      domain = { name = "www.example.org", certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/www" }
    }
  }

  expect_failures = [output.site_url]
}

run "viewers_who_need_a_token_and_can_have_none" {
  command = plan

  variables {
    settings = {
      issuer            = "https://issuer.example.org"
      jwks_url          = "https://issuer.example.org/.well-known/jwks.json"
      operator_audience = "operators"
      anonymous         = "off"
    }
  }

  expect_failures = [var.settings]
}

run "a_hand_over_that_is_too_late" {
  command = plan

  variables {
    settings = { issuer = "https://i.example.org", jwks_url = "https://i.example.org/k", operator_audience = "o", hand_over_seconds = "101" }
  }

  expect_failures = [var.settings]
}

run "a_lease_that_is_too_short" {
  command = plan

  variables {
    settings = { issuer = "https://i.example.org", jwks_url = "https://i.example.org/k", operator_audience = "o", lease_seconds = "89" }
  }

  expect_failures = [var.settings]
}
