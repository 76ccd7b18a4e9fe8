# Where CloudFront's Origin Shield stands: near home, elsewhere if you say so, or nowhere.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  settings = {
    issuer            = "https://issuer.example.org"
    jwks_url          = "https://issuer.example.org/.well-known/jwks.json"
    operator_audience = "operators"
    send_rate         = "1875"
  }
}

run "in_the_home_region" {
  command = plan

  assert {
    condition     = local.origin_shield_region == "eu-west-1"
    error_message = "CloudFront has Origin Shield in Ireland."
  }
}

run "where_the_table_of_aws_says" {
  command = plan

  variables { home_region = "eu-south-1" }

  assert {
    condition     = local.origin_shield_region == "eu-central-1"
    error_message = "For a home in Milan AWS names Frankfurt."
  }
}

run "in_the_nearest_region" {
  command = plan

  variables { home_region = "ap-southeast-3" }

  assert {
    condition     = local.origin_shield_region == "ap-southeast-1"
    error_message = "Jakarta is nearest to Singapore."
  }
}

run "every_region_that_is_named_leads_to_one_with_origin_shield" {
  command = plan

  assert {
    condition     = length(setsubtract([for home, region in local.origin_shield : region], local.shields.regions)) == 0
    error_message = "Origin Shield is only in the regions of the list."
  }

  assert {
    condition     = length(setsubtract(local.quotas.requests.small_regions.regions, keys(local.origin_shield))) == 0
    error_message = "Each of the small regions may be home."
  }
}

run "where_you_say" {
  command = plan

  variables { web = { origin_shield_region = "eu-west-2" } }

  assert {
    condition     = local.origin_shield_region == "eu-west-2"
    error_message = "A region that is given is taken."
  }
}

run "nowhere" {
  command = plan

  variables { web = { origin_shield = false } }

  assert {
    condition     = local.origin_shield_region == null
    error_message = "Origin Shield can be switched off."
  }
}

run "without_a_site" {
  command = plan

  variables { web = null }

  assert {
    condition     = local.origin_shield_region == null
    error_message = "Without a site there is nothing to shield."
  }
}

run "a_home_of_which_nothing_is_known" {
  command = plan

  variables { home_region = "eu-north-9" }

  expect_failures = [output.site_url]
}
