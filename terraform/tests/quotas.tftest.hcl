# The account's quota of requests: the stages' default, the routes' shares, and what is left for the senders.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  settings = {
    issuer            = "https://issuer.example.org"
    jwks_url          = "https://issuer.example.org/.well-known/jwks.json"
    operator_audience = "operators"
  }
}

run "everything_together_fits_the_quota" {
  command = plan

  assert {
    condition     = output.quotas["eu-west-1"].routes + tonumber(local.settings.send_rate) <= output.quotas["eu-west-1"].rate
    error_message = "All routes at their throttle leave the senders their send rate."
  }

  assert {
    condition     = output.quotas["eu-west-1"].rate == local.quotas.requests.default && output.quotas["eu-west-1"].burst == local.quotas.requests.burst
    error_message = "The settings account_rate and account_burst have the defaults of quotas_and_prices.json."
  }
}

run "a_small_region_has_a_quarter" {
  command = plan

  variables {
    cells = { "eu-south-1" = {}, "eu-west-1" = {} }
    settings = {
      issuer            = "https://issuer.example.org"
      jwks_url          = "https://issuer.example.org/.well-known/jwks.json"
      operator_audience = "operators"
      send_rate         = "1875"
    }
  }

  assert {
    condition     = local.account["eu-south-1"] == { "setting.account_rate" = 2500, "setting.account_burst" = 1250 }
    error_message = "Milan begins with 2,500 requests a second and a burst of 1,250."
  }

  assert {
    condition     = local.websocket_throttles["eu-south-1"]["subscribe"] == { rate = 125, burst = 250 }
    error_message = "Each route has the same share of a smaller quota."
  }

  assert {
    condition     = local.websocket_throttles["eu-west-1"]["subscribe"] == { rate = 500, burst = 1000 }
    error_message = "A cell in another region keeps its own throttles."
  }
}

run "a_small_region_without_a_raised_quota" {
  command = plan

  variables {
    home_region = "eu-south-1"
    settings = {
      issuer            = "https://issuer.example.org"
      jwks_url          = "https://issuer.example.org/.well-known/jwks.json"
      operator_audience = "operators"
      send_rate         = "1875"
    }
  }

  assert {
    condition     = output.quotas["eu-south-1"].for_senders >= 1875
    error_message = "Home and a cell in one small region leave the senders a quarter of the usual send rate (docs/deploy.md)."
  }
}

run "the_usual_send_rate_is_too_much_for_a_small_region" {
  command = plan

  variables {
    home_region = "eu-south-1"
  }

  expect_failures = [output.quotas]
}

run "a_raised_quota_in_a_small_region" {
  command = plan

  variables {
    home_region = "eu-south-1"
    settings = {
      issuer            = "https://issuer.example.org"
      jwks_url          = "https://issuer.example.org/.well-known/jwks.json"
      operator_audience = "operators"
      account_rate      = "60000"
      account_burst     = "5000"
      send_rate         = "50000"
    }
  }

  assert {
    condition     = output.quotas["eu-south-1"].for_senders == 57500
    error_message = "A raised quota leaves more for the senders; the routes keep their throttles."
  }
}

run "a_send_rate_that_leaves_the_routes_too_little" {
  command = plan

  variables {
    settings = {
      issuer            = "https://issuer.example.org"
      jwks_url          = "https://issuer.example.org/.well-known/jwks.json"
      operator_audience = "operators"
      send_rate         = "9000"
    }
  }

  expect_failures = [output.quotas]
}

run "a_throttle_that_takes_from_the_senders" {
  command = plan

  variables {
    websocket_throttles = { subscribe = { rate = 2000, burst = 2000 } }
  }

  expect_failures = [output.quotas]
}

run "a_burst_above_the_accounts" {
  command = plan

  variables {
    http_throttles = { "GET /matches" = { rate = 40, burst = 6000 } }
  }

  expect_failures = [output.quotas]
}

run "those_who_leave_get_what_those_who_come_get" {
  command = plan

  variables {
    settings = {
      issuer            = "https://issuer.example.org"
      jwks_url          = "https://issuer.example.org/.well-known/jwks.json"
      operator_audience = "operators"
      account_rate      = "60000"
      send_rate         = "55400"
    }
    # The example of docs/deploy.md.
    websocket_throttles = { "$connect" = { rate = 1200, burst = 1200 }, subscribe = { rate = 1200, burst = 2400 } }
  }

  assert {
    condition     = local.websocket_throttles["eu-west-1"]["$disconnect"] == { rate = 1200, burst = 1200 }
    error_message = "A raised throttle of $connect raises that of $disconnect."
  }

  assert {
    condition     = output.quotas["eu-west-1"].for_senders == 55400
    error_message = "docs/deploy.md states what the raised throttles leave for the senders."
  }
}

run "viewers_who_may_not_leave" {
  command = plan

  variables {
    websocket_throttles = { "$disconnect" = { rate = 150, burst = 1000 } }
  }

  expect_failures = [output.quotas]
}

run "viewers_of_momento_get_what_the_account_has_left" {
  command = plan

  variables {
    cells = { fast = { region = "eu-west-1", transport = "momento", momento = { url = "https://api.cache.example", cache = "c", api_key_parameter = "/k" } } }
  }

  assert {
    condition     = local.http_throttles["GET /listeners/momento"] == { rate = 300, burst = 200 }
    error_message = "Without senders the account has requests left: ten thousand viewers have their tokens in half a minute."
  }
}

run "a_goal_keeps_its_requests_beside_viewers_of_momento" {
  command = plan

  variables {
    cells = {
      main = { region = "eu-west-1" }
      fast = { region = "eu-west-1", transport = "momento", momento = { url = "https://api.cache.example", cache = "c", api_key_parameter = "/k" } }
    }
  }

  assert {
    condition     = local.http_throttles["GET /listeners/momento"] == { rate = 20, burst = 200 }
    error_message = "The senders and the routes of a cell of API Gateway take the whole quota."
  }
}

run "a_lower_send_rate_is_left_to_viewers_of_momento" {
  command = plan

  variables {
    cells = {
      main = { region = "eu-west-1" }
      fast = { region = "eu-west-1", transport = "momento", momento = { url = "https://api.cache.example", cache = "c", api_key_parameter = "/k" } }
    }
    settings = {
      issuer            = "https://issuer.example.org"
      jwks_url          = "https://issuer.example.org/.well-known/jwks.json"
      operator_audience = "operators"
      send_rate         = "7400"
    }
  }

  assert {
    condition     = local.http_throttles["GET /listeners/momento"].rate == 120
    error_message = "What the senders leave is the route's."
  }
}
