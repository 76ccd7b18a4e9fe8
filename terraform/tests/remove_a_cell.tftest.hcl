# A cell is removed in the two steps of docs/deploy.md; no other table gives up its protection.

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
}

run "two_cells" {
  command = plan
  variables { cells = { eu-west-1 = {}, us-east-1 = {} } }

  assert {
    condition     = alltrue([for cell in values(module.cell) : alltrue([for table in values(cell.tables) : table.deletion_protection])])
    error_message = "Tables are protected by default."
  }
}

run "one_gives_up_its_protection" {
  command = plan
  variables { cells = { eu-west-1 = {}, us-east-1 = { deletion_protection = false } } }

  assert {
    condition     = !anytrue([for table in values(module.cell["us-east-1"].tables) : table.deletion_protection])
    error_message = "All tables of the cell that is to go may be deleted."
  }

  assert {
    condition     = module.ledger.deletion_protection && alltrue([for table in values(module.cell["eu-west-1"].tables) : table.deletion_protection])
    error_message = "The ledger and the other cell keep their protection."
  }
}

run "it_is_gone" {
  command = plan
  variables { cells = { eu-west-1 = {} } }

  assert {
    condition     = keys(module.cell) == ["eu-west-1"]
    error_message = "Only the other cell is left."
  }
}
