# A deployment of which only the issuers of tokens are stated.

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

run "one_cell_at_home" {
  command = plan

  assert {
    condition     = keys(module.cell) == ["eu-west-1"]
    error_message = "Without cells there is one, at home."
  }

  assert {
    condition     = module.stream.consumer_name == "livescore-fanout"
    error_message = "The fan-out has a consumer of its own."
  }

  assert {
    condition     = module.fanout.maximum_record_age == 24 * 3600 - 300
    error_message = "Records are given up just before the stream forgets them."
  }

  assert {
    condition     = local.deployment.deletion_protection && local.deployment.point_in_time_recovery && local.deployment.architecture == "arm64"
    error_message = "A deployment is protected, can be restored, and runs on arm64."
  }

  assert {
    condition     = local.settings.anonymous == "on" && local.settings.send_rate == "7500"
    error_message = "Settings have the defaults of system.json."
  }

  assert {
    condition     = length(module.web) == 1 && length(module.observability) == 1
    error_message = "The site and the alarms are there unless they are left out."
  }

  assert {
    condition     = keys(module.observability[0].topics) == ["eu-west-1", "us-east-1"]
    error_message = "There is a topic at home, and one where CloudFront's metrics are."
  }
}
