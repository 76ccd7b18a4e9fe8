locals {
  # Channels begin with this namespace (matches/channels.py).
  namespace = var.cell.deployment.prefix
  api_arn   = "arn:${var.cell.deployment.partition}:appsync:${var.cell.region}:${var.cell.deployment.account_id}:apis/${aws_appsync_api.this.api_id}"

  # AWS chooses the names. The defaults are for providers that make nothing, which choose none.
  hosts = {
    for side, part in { HTTP = "appsync-api", REALTIME = "appsync-realtime-api" } :
    side => lookup(aws_appsync_api.this.dns, side, "${aws_appsync_api.this.api_id}.${part}.${var.cell.region}.${var.cell.deployment.dns_suffix}")
  }
}

module "parts" {
  source = "../cell_parts"

  cell = var.cell
  policies = {
    # Fetches the issuer's keys over the internet and writes nothing.
    events_authorizer = []
  }
}

# Viewers connect and subscribe as the authorizer says. Only a signature of IAM publishes. There is no API key.
resource "aws_appsync_api" "this" {
  region = var.cell.region
  name   = "${var.cell.deployment.prefix}-events${var.cell.suffix}"

  event_config {
    auth_provider {
      auth_type = "AWS_LAMBDA"

      lambda_authorizer_config {
        authorizer_uri = module.parts.target_arns["events_authorizer"]
        # No answer is kept: an answer about one channel must not open another.
        authorizer_result_ttl_in_seconds = 0
      }
    }

    auth_provider {
      auth_type = "AWS_IAM"
    }

    connection_auth_mode {
      auth_type = "AWS_LAMBDA"
    }

    default_subscribe_auth_mode {
      auth_type = "AWS_LAMBDA"
    }

    default_publish_auth_mode {
      auth_type = "AWS_IAM"
    }

    log_config {
      cloudwatch_logs_role_arn = module.log.role_arn
      log_level                = "ERROR"
    }
  }
}

resource "aws_appsync_channel_namespace" "this" {
  region = var.cell.region
  api_id = aws_appsync_api.this.api_id
  name   = local.namespace

  subscribe_auth_mode {
    auth_type = "AWS_LAMBDA"
  }

  publish_auth_mode {
    auth_type = "AWS_IAM"
  }
}

module "log" {
  source = "../appsync_log"

  deployment  = var.cell.deployment
  region      = var.cell.region
  name        = "events${var.cell.suffix}"
  api_id      = aws_appsync_api.this.api_id
  kms_key_arn = var.cell.options.kms_key_arn
}

resource "aws_lambda_permission" "authorizer" {
  region        = var.cell.region
  action        = "lambda:InvokeFunction"
  function_name = module.parts.functions["events_authorizer"].name
  qualifier     = module.parts.functions["events_authorizer"].qualifier
  principal     = "appsync.amazonaws.com"
  source_arn    = local.api_arn
}
