locals {
  references    = merge(var.references, { site_keys = join(",", var.site_keys) })
  stage         = "$default"
  execution_arn = "arn:${var.deployment.partition}:execute-api:${var.region}:${var.deployment.account_id}:${aws_apigatewayv2_api.this.id}"
  host          = "${aws_apigatewayv2_api.this.id}.execute-api.${var.region}.${var.deployment.dns_suffix}"
}

module "function" {
  source = "../function"

  deployment              = var.deployment
  region                  = var.region
  name                    = var.function.name
  function                = var.function
  environment             = { for variable, reference in var.function.environment : variable => local.references[reference] }
  policies                = [data.aws_iam_policy_document.api.json]
  kms_key_arn             = var.kms_key_arn
  kms_key_arns            = var.kms_key_arns
  reserved_concurrency    = var.reserved_concurrency
  provisioned_concurrency = var.provisioned_concurrency
}

data "aws_iam_policy_document" "api" {
  statement {
    sid       = "Matches"
    actions   = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = [var.resources.matches_arn]
  }

  statement {
    sid       = "ByDay"
    actions   = ["dynamodb:Query"]
    resources = ["${var.resources.matches_arn}/index/by_day"]
  }

  statement {
    sid       = "Post"
    actions   = ["kinesis:PutRecord"]
    resources = [var.resources.stream_arn]
  }

  statement {
    sid       = "ProgressAndStop"
    actions   = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"]
    resources = var.resources.broadcasts_arns
  }

  dynamic "statement" {
    for_each = length(var.resources.subscriptions_arns) > 0 ? [1] : []
    content {
      sid       = "Listeners"
      actions   = ["dynamodb:Query", "dynamodb:DeleteItem"]
      resources = var.resources.subscriptions_arns

      # Connections that listen for messages to their subject, and no viewer of a match (subscriptions/listeners.py).
      condition {
        test     = "ForAllValues:StringLike"
        variable = "dynamodb:LeadingKeys"
        values   = ["s-*"]
      }
    }
  }

  # A message to one viewer of a cell whose service tells the viewers.
  dynamic "statement" {
    for_each = var.resources.publish
    content {
      sid       = "Publish${replace(title(replace(statement.key, ":", " ")), " ", "")}"
      actions   = [statement.key]
      resources = statement.value
    }
  }

  dynamic "statement" {
    for_each = length(var.resources.connections_arns) > 0 ? [1] : []
    content {
      sid     = "Message"
      actions = ["execute-api:ManageConnections"]
      # The * stands for the ids of each stage's connections, which AWS makes up as viewers come.
      resources = [for arn in var.resources.connections_arns : "${arn}/POST/@connections/*"]
    }
  }
}

resource "aws_apigatewayv2_api" "this" {
  region        = var.region
  name          = "${var.deployment.prefix}-http"
  description   = "Operators post what happens, readers read it."
  protocol_type = "HTTP"

  # So the domain is the one address
  # (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-disable-default-endpoint.html).
  disable_execute_api_endpoint = var.domain != null

  dynamic "cors_configuration" {
    for_each = length(var.cors_origins) > 0 ? [1] : []
    content {
      allow_origins  = var.cors_origins
      allow_methods  = ["GET", "POST", "PATCH", "DELETE"]
      allow_headers  = ["authorization", "content-type", "if-none-match"]
      expose_headers = ["etag"]
      max_age        = 600
    }
  }
}

resource "aws_apigatewayv2_integration" "api" {
  region                 = var.region
  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = module.function.invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_authorizer" "operators" {
  region           = var.region
  api_id           = aws_apigatewayv2_api.this.id
  name             = "operators"
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]

  jwt_configuration {
    issuer   = var.api.authorizer.issuer
    audience = compact(split(",", var.api.authorizer.audience))
  }
}

resource "aws_apigatewayv2_route" "this" {
  for_each = toset(var.api.routes)

  region               = var.region
  api_id               = aws_apigatewayv2_api.this.id
  route_key            = each.key
  target               = "integrations/${aws_apigatewayv2_integration.api.id}"
  authorization_type   = contains(var.api.authorizer.routes, each.key) ? "JWT" : "NONE"
  authorizer_id        = contains(var.api.authorizer.routes, each.key) ? aws_apigatewayv2_authorizer.operators.id : null
  authorization_scopes = contains(var.api.authorizer.routes, each.key) ? [lookup(var.api.authorizer.scopes, each.key, var.api.authorizer.scope)] : null
}

resource "aws_apigatewayv2_stage" "this" {
  region      = var.region
  api_id      = aws_apigatewayv2_api.this.id
  name        = local.stage
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = var.api.default_throttle.rate
    throttling_burst_limit = var.api.default_throttle.burst
  }

  dynamic "route_settings" {
    for_each = var.api.throttles
    content {
      route_key              = route_settings.key
      throttling_rate_limit  = route_settings.value.rate
      throttling_burst_limit = route_settings.value.burst
    }
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format = jsonencode({
      deployment      = var.deployment.prefix
      service         = "http"
      requestId       = "$context.requestId"
      routeKey        = "$context.routeKey"
      path            = "$context.path"
      status          = "$context.status"
      time            = "$context.requestTimeEpoch"
      latency         = "$context.responseLatency"
      error           = "$context.error.message"
      authorizerError = "$context.authorizer.error"
    })
  }

  # AWS refuses settings of a route that does not exist yet.
  depends_on = [aws_apigatewayv2_route.this]
}

resource "aws_cloudwatch_log_group" "access" {
  region            = var.region
  name              = "/aws/vendedlogs/apigateway/${aws_apigatewayv2_api.this.name}"
  retention_in_days = var.deployment.log_retention_days
  kms_key_id        = var.kms_key_arn
}

# Counts the requests that are refused with 429. The metric 4xx of the HTTP API would not do: it counts unknown matches
# and missing tokens as well. The dimensions of a metric are fields of the line, so deployment and service stand in it.
resource "aws_cloudwatch_log_metric_filter" "throttled" {
  region         = var.region
  name           = "throttled"
  log_group_name = aws_cloudwatch_log_group.access.name
  # API Gateway may write fewer lines than it refuses requests: "Excessive 429 Too Many Requests errors"
  # (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-monitor.html).
  pattern = "{ $.status = \"429\" }"

  metric_transformation {
    name       = "HttpThrottled"
    namespace  = "livescore"
    value      = "1"
    unit       = "Count"
    dimensions = { deployment = "$.deployment", service = "$.service" }
  }
}

resource "aws_lambda_permission" "api" {
  region        = var.region
  action        = "lambda:InvokeFunction"
  function_name = module.function.name
  qualifier     = module.function.qualifier
  principal     = "apigateway.amazonaws.com"
  # The * stands for the routes of this one stage.
  source_arn = "${local.execution_arn}/${local.stage}/*"
}

module "domain" {
  source = "../domain"
  count  = var.domain == null ? 0 : 1

  region = var.region
  domain = var.domain
  api_id = aws_apigatewayv2_api.this.id
  stage  = aws_apigatewayv2_stage.this.name
}
