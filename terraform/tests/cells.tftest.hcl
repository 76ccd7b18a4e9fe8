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

run "a_cell_of_no_region" {
  command = plan
  variables { cells = { europe = {} } }

  expect_failures = [var.cells]
}
