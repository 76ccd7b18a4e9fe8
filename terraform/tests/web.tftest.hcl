# The web module by itself: what it refuses.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  prefix       = "livescore"
  region       = "eu-west-1"
  site         = jsondecode(file("./site.json"))
  api_endpoint = "https://api.execute-api.eu-west-1.amazonaws.com"
  site_key     = "0b8d3f0e-5d0e-4c5c-9f43-0e6f6f3f6a10"
  cells        = { eu-west-1 = { transport = "api-gateway", region = "eu-west-1", url = "wss://ws.execute-api.eu-west-1.amazonaws.com/live" } }
}

run "no_cells" {
  command = plan

  module { source = "./modules/web" }

  variables { cells = {} }

  expect_failures = [var.cells]
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

run "a_sign_in_in_the_clear" {
  command = plan

  module { source = "./modules/web" }

  variables {
    operators_sign_in = {
      authorize_url = "https://login.example.org/authorize"
      token_url     = "http://login.example.org/token"
      client_id     = "console"
      scope         = "livescore/score:write"
    }
  }

  expect_failures = [var.operators_sign_in]
}

run "a_sign_in_that_says_more_than_where" {
  command = plan

  module { source = "./modules/web" }

  variables {
    operators_sign_in = {
      authorize_url = "https://login.example.org/authorize"
      token_url     = "https://login.example.org; script-src */token"
      client_id     = "console"
      scope         = "livescore/score:write"
    }
  }

  expect_failures = [var.operators_sign_in]
}

run "a_site_without_files" {
  command = plan

  module { source = "./modules/web" }

  variables { site_directory = "there/is/no/such/folder" }

  assert {
    condition     = length(aws_s3_object.file) == 0 && aws_s3_object.deployment.content == jsonencode({ version = 1, websockets = { eu-west-1 = var.cells["eu-west-1"].url }, cells = var.cells, operators = {} })
    error_message = "A site without files has deployment.json all the same."
  }
}

run "files_for_viewers" {
  command = plan

  module { source = "./modules/web" }

  # Beside a page it has what none is served of.
  variables {
    site_directory = "tests/pages"
    operators_sign_in = {
      authorize_url = "https://login.example.org/oauth2/authorize"
      token_url     = "https://login.example.org/oauth2/token"
      client_id     = "console"
      scope         = "livescore/score:write"
    }
  }

  assert {
    condition     = keys(aws_s3_object.file) == ["index.html", "page.js"] && aws_s3_object.file["page.js"].content_type == "text/javascript; charset=utf-8"
    error_message = "Neither notes, nor types, nor another deployment.json are for viewers."
  }

  assert {
    condition     = jsondecode(aws_s3_object.deployment.content).operators.sign_in.token_url == "https://login.example.org/oauth2/token"
    error_message = "The console is told where to sign in."
  }

  assert {
    condition     = strcontains(output.content_security_policy, "connect-src 'self' wss://ws.execute-api.eu-west-1.amazonaws.com https://login.example.org;")
    error_message = "The console may ask there for a token."
  }
}

run "files_of_unknown_type" {
  command = plan

  module { source = "./modules/web" }

  variables { site_directory = "tests" }

  expect_failures = [var.site_directory]
}
