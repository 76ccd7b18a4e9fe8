# A Cognito user pool in place of an issuer of one's own.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  user_pool = { domain_prefix = "goals" }
}

run "nothing_else_has_to_be_said" {
  command = plan

  assert {
    condition     = length(module.user_pool) == 1 && module.user_pool[0].sign_in == null
    error_message = "Without a site there is no app client of the desk."
  }

  assert {
    condition     = output.user_pool.token_url == "https://goals.auth.eu-west-1.amazoncognito.com/oauth2/token" && output.user_pool.desk == "" && output.user_pool.viewers == ""
    error_message = "Commands get their tokens at the sign-in page; nobody else gets any."
  }
}

run "people_at_the_desk" {
  command = plan

  variables { user_pool = { domain_prefix = "goals", desk_site = "https://www.example.org" } }

  assert {
    condition     = module.user_pool[0].sign_in.authorize_url == "https://goals.auth.eu-west-1.amazoncognito.com/oauth2/authorize" && module.user_pool[0].sign_in.scope == "livescore/score:write"
    error_message = "The desk sends people to the sign-in page, for the operators' scope."
  }
}

run "only_viewers_with_a_token" {
  command = plan

  variables {
    user_pool = { domain_prefix = "goals", viewers = true }
    settings  = { anonymous = "off" }
  }
}

run "viewers_without_an_app_client" {
  command = plan

  variables { settings = { anonymous = "off" } }

  expect_failures = [var.settings]
}

run "two_issuers" {
  command = plan

  variables { settings = { issuer = "https://issuer.example.org" } }

  expect_failures = [var.settings]
}

run "no_issuer" {
  command = plan

  variables { user_pool = null }

  expect_failures = [var.settings]
}
