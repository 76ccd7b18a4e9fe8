# Two cells, neither of them at home.

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
  home_region = "eu-west-1"
  cells = {
    us-east-1    = { provisioned_concurrency = { sender = 4 }, reserved_concurrency = { sender = 50 } }
    eu-central-1 = { access_logs = true }
  }
}

run "cells_elsewhere" {
  command = plan

  assert {
    condition     = keys(module.cell) == ["eu-central-1", "us-east-1"]
    error_message = "There are the cells that are named and no others."
  }

  assert {
    condition     = length(local.cell_resources.state_machine_arns) == 2 && alltrue([for arn in local.cell_resources.state_machine_arns : !strcontains(arn, "eu-west-1")])
    error_message = "Home reaches into each cell, and into none at home."
  }

  assert {
    condition     = module.cell["us-east-1"].functions["sender"].qualifier == "live" && module.cell["eu-central-1"].functions["sender"].qualifier == null
    error_message = "Only what is kept warm is called by an alias."
  }

  assert {
    condition     = length(setsubtract(["eu-west-1/iterator-age", "us-east-1/goal-to-gateway", "eu-central-1/goal-to-gateway"], keys(module.observability[0].alarms))) == 0
    error_message = "Home and every cell are watched."
  }

  assert {
    condition     = !contains(keys(module.observability[0].alarms), "eu-west-1/goal-to-gateway")
    error_message = "Where no cell is no cell is watched."
  }
}

run "two_cells_in_one_region" {
  command = plan

  variables {
    cells    = { us-east-1 = {}, second = { region = "us-east-1" } }
    settings = merge(var.settings, { send_rate = "2500" })
  }

  assert {
    condition     = module.cell["us-east-1"].functions["sender"].name == "livescore-sender" && module.cell["second"].functions["sender"].name == "livescore-sender-second"
    error_message = "A cell with the name of its region has the plain names; the names of another end in its name."
  }

  assert {
    condition = length(setintersection(
      flatten([for part in ["functions", "tables", "queues"] : values(output.cells["us-east-1"][part])[*].name]),
      flatten([for part in ["functions", "tables", "queues"] : values(output.cells["second"][part])[*].name]),
    )) == 0
    error_message = "Two cells of one region share no function, table or queue."
  }

  assert {
    condition     = output.quotas["us-east-1"].for_senders == floor((10000 - 2 * sum(values(local.system.websocket_api.throttles)[*].rate)) / 2)
    error_message = "Two cells of one region share the account's quota of requests."
  }

  assert {
    condition     = length(setsubtract(["us-east-1/goal-to-gateway", "second/goal-to-gateway", "us-east-1/concurrency-near-quota"], keys(module.observability[0].alarms))) == 0
    error_message = "Each cell of a region has its alarms, and the region has its own once."
  }
}

run "two_cells_share_the_quota_of_their_region" {
  command = plan
  variables { cells = { us-east-1 = {}, second = { region = "us-east-1" } } }

  expect_failures = [output.quotas]
}

run "a_cell_without_a_region" {
  command = plan
  variables { cells = { europe = {} } }

  expect_failures = [var.cells]
}

run "a_region_that_is_none" {
  command = plan
  variables { cells = { europe = { region = "Ireland" } } }

  expect_failures = [var.cells]
}

run "a_name_that_says_another_region" {
  command = plan
  variables { cells = { us-east-1 = { region = "eu-west-1" } } }

  expect_failures = [var.cells]
}

run "names_that_are_none" {
  command = plan
  variables { cells = { Europe = { region = "eu-west-1" } } }

  expect_failures = [var.cells]
}

run "a_name_that_ends_in_a_hyphen" {
  command = plan
  variables { cells = { europe- = { region = "eu-west-1" } } }

  expect_failures = [var.cells]
}

run "a_name_that_is_too_long_for_a_role" {
  command = plan

  variables {
    prefix = "a-prefix-of-24-letters-x"
    cells  = { a-name-of-22-letters-x = { region = "ap-southeast-7" } }
  }

  expect_failures = [var.cells]
}

run "channels_of_another_deployment" {
  command = plan

  variables {
    prefix = "derby"
    cells = {
      iot  = { region = "us-east-1", transport = "iot-core" }
      fast = { region = "us-east-1", transport = "momento", momento = { url = "https://api.cache.example", cache = "c", api_key_parameter = "/k" } }
    }
  }

  assert {
    condition     = endswith(module.cell_iot_core["iot"].publish["iot:Publish"][0], ":topic/derby/*")
    error_message = "A deployment publishes on its own topics only."
  }

  assert {
    condition     = module.cell_momento["fast"].address.namespace == "derby" && local.references["namespace"] == "derby"
    error_message = "Viewers and functions know the first segment of the channels."
  }
}

run "a_transport_that_does_not_exist" {
  command = plan
  variables { cells = { eu-west-1 = { transport = "carrier-pigeon" } } }

  expect_failures = [var.cells]
}

run "momento_without_its_options" {
  command = plan
  variables { cells = { fast = { region = "eu-west-1", transport = "momento" } } }

  expect_failures = [var.cells]
}

run "options_of_another_transport" {
  command = plan

  variables {
    cells = {
      eu-west-1 = { momento = { url = "https://api.cache.cell-1.prod.a.momentohq.com", cache = "livescore", api_key_parameter = "/livescore/momento" } }
    }
  }

  expect_failures = [var.cells]
}

run "access_logs_of_another_transport" {
  command = plan
  variables { cells = { eu-west-1 = { transport = "iot-core", access_logs = true } } }

  expect_failures = [var.cells]
}
