# Parts that may be left out, and parts that may be added.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  settings = {
    issuer            = "https://issuer.example.org"
    jwks_url          = "https://issuer.example.org/.well-known/jwks.json"
    operator_audience = "operators"
    anonymous         = "on"
  }
}

run "the_least" {
  command = plan

  variables {
    enhanced_fan_out       = false
    deletion_protection    = false
    point_in_time_recovery = false
    tracing                = false
    web                    = null
    observability          = null
  }

  assert {
    condition     = module.stream.consumer_name == null
    error_message = "Without enhanced fan-out there is no consumer."
  }

  assert {
    condition     = length(module.web) == 0 && length(module.observability) == 0 && output.site_url == null && output.dashboard == null
    error_message = "The site and the alarms may be left out."
  }
}

run "alarms_without_a_site" {
  command = plan

  variables { web = null }

  assert {
    condition     = keys(module.observability[0].topics) == ["eu-west-1"] && !contains(keys(module.observability[0].alarms), "us-east-1/web-errors")
    error_message = "Without a site nothing is watched where CloudFront's metrics are."
  }
}

run "the_most" {
  command = plan

  variables {
    home = {
      kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/home"
      domain      = { name = "api.example.org", certificate_arn = "arn:aws:acm:eu-west-1:123456789012:certificate/api", zone_id = "Z1" }
    }
    cells = {
      eu-west-1 = {
        kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/home"
        domain      = { name = "live.example.org", certificate_arn = "arn:aws:acm:eu-west-1:123456789012:certificate/live" }
      }
    }
    web = {
      domain               = { name = "www.example.org", certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/www", zone_id = "Z1" }
      origin_shield_region = "eu-west-1"
      log_bucket           = "logs.s3.amazonaws.com"
    }
    observability = { emails = ["a@example.org", "b@example.org"], monthly_budget = 1000, cost_tag = { key = "application", value = "livescore" } }
  }

  assert {
    condition     = output.http_url == "https://www.example.org/operators" && output.api_url == "https://api.example.org" && output.site_url == "https://www.example.org"
    error_message = "Names of one's own are used, and operators go through the site."
  }

  assert {
    condition     = output.websocket_urls == { "eu-west-1" = "wss://live.example.org" }
    error_message = "Viewers connect to a name of one's own."
  }

  assert {
    condition     = strcontains(module.web[0].content_security_policy, "connect-src 'self' wss://live.example.org;")
    error_message = "Pages may open that socket."
  }
}
