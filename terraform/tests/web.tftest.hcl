# The web module by itself: what it refuses.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  prefix         = "livescore"
  region         = "eu-west-1"
  site           = jsondecode(file("./site.json"))
  api_endpoint   = "https://api.execute-api.eu-west-1.amazonaws.com"
  websocket_urls = { eu-west-1 = "wss://ws.execute-api.eu-west-1.amazonaws.com/live" }
}

run "no_cells" {
  command = plan

  module { source = "./modules/web" }

  variables { websocket_urls = {} }

  expect_failures = [var.websocket_urls]
}

run "a_certificate_elsewhere" {
  command = plan

  module { source = "./modules/web" }

  variables { domain = { name = "www.example.org", certificate_arn = "arn:aws:acm:eu-west-1:123456789012:certificate/www" } }

  expect_failures = [var.domain]
}

run "a_source_with_a_path" {
  command = plan

  module { source = "./modules/web" }

  variables { connect_sources = ["https://login.example.org/token; script-src *"] }

  expect_failures = [var.connect_sources]
}

run "files_of_unknown_type" {
  command = plan

  module { source = "./modules/web" }

  variables { site_directory = "tests" }

  expect_failures = [var.site_directory]
}
