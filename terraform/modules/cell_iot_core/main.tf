locals {
  # Topics are the account's in each region, and those of this deployment begin with its name (matches/channels.py).
  topics  = var.cell.deployment.prefix
  iot_arn = "arn:${var.cell.deployment.partition}:iot:${var.cell.region}:${var.cell.deployment.account_id}"
  name    = "${var.cell.deployment.prefix}-viewers${var.cell.suffix}"
}

module "parts" {
  source = "../cell_parts"

  cell = var.cell
  policies = {
    # Fetches the issuer's keys over the internet and writes nothing.
    iot_authorizer = []
    iot_presence   = [data.aws_iam_policy_document.presence.json]
  }
}

data "aws_iam_policy_document" "presence" {
  statement {
    sid       = "Match"
    actions   = ["dynamodb:GetItem"]
    resources = [var.cell.home.matches_arn]
  }

  statement {
    sid       = "Viewers"
    actions   = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query", "dynamodb:DeleteItem"]
    resources = [module.parts.tables["broadcasts"].arn]

    # Viewers, and no match (subscriptions/iot_viewers.py).
    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["viewers#*", "session#*"]
    }
  }

  statement {
    sid       = "CountViewers"
    actions   = ["dynamodb:UpdateItem"]
    resources = [var.cell.home.matches_arn]

    # The counts, and no match.
    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["audience#*"]
    }
  }
}

# The function checks the token's signature itself. So IoT Core needs no signature of its own beside the token.
resource "aws_iot_authorizer" "viewers" {
  region                  = var.cell.region
  name                    = local.name
  authorizer_function_arn = module.parts.target_arns["iot_authorizer"]
  signing_disabled        = true
  status                  = "ACTIVE"
  # No answer is kept: a policy is of one client id.
  enable_caching_for_http = false
}

resource "aws_lambda_permission" "authorizer" {
  region        = var.cell.region
  action        = "lambda:InvokeFunction"
  function_name = module.parts.functions["iot_authorizer"].name
  qualifier     = module.parts.functions["iot_authorizer"].qualifier
  principal     = "iot.amazonaws.com"
  source_arn    = "${local.iot_arn}:authorizer/${local.name}"
}

# An address of the viewers' own, where this authorizer is asked whatever a client says. Certificates and other protocols do not
# connect there. Publishers use the account's own endpoint.
resource "aws_iot_domain_configuration" "viewers" {
  region               = var.cell.region
  name                 = local.name
  service_type         = "DATA"
  application_protocol = "MQTT_WSS"
  authentication_type  = "CUSTOM_AUTH"

  authorizer_config {
    default_authorizer_name   = aws_iot_authorizer.viewers.name
    allow_authorizer_override = false
  }

  tls_config {
    security_policy = "IotSecurityPolicy_TLS13_1_2_2022_10"
  }
}

data "aws_iot_endpoint" "publish" {
  region        = var.cell.region
  endpoint_type = "iot:Data-ATS"
}

# Connections and subscriptions of viewers, as IoT Core reports them
# (https://docs.aws.amazon.com/iot/latest/developerguide/life-cycle-events.html).
resource "aws_iot_topic_rule" "presence" {
  for_each = var.rules

  region = var.cell.region
  # The name of a rule has no hyphen.
  name        = replace("${var.cell.deployment.prefix}-${each.key}${var.cell.suffix}", "-", "_")
  description = "Viewers of ${local.name} come, go and subscribe."
  enabled     = true
  sql         = each.value
  sql_version = "2016-03-23"

  lambda {
    function_arn = module.parts.target_arns["iot_presence"]
  }

  # IoT Core drops what it may not invoke.
  depends_on = [aws_lambda_permission.presence]
}

resource "aws_lambda_permission" "presence" {
  for_each = var.rules

  region         = var.cell.region
  action         = "lambda:InvokeFunction"
  function_name  = module.parts.functions["iot_presence"].name
  qualifier      = module.parts.functions["iot_presence"].qualifier
  principal      = "iot.amazonaws.com"
  source_arn     = "${local.iot_arn}:rule/${replace("${var.cell.deployment.prefix}-${each.key}${var.cell.suffix}", "-", "_")}"
  source_account = var.cell.deployment.account_id
}
