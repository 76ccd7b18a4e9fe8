locals {
  # Put together from names, because functions need the stage's name before it exists: the stage waits for its routes, and the
  # routes wait for the functions.
  execution_arn = "arn:${var.deployment.partition}:execute-api:${var.region}:${var.deployment.account_id}:${aws_apigatewayv2_api.this.id}"
  host          = "${aws_apigatewayv2_api.this.id}.execute-api.${var.region}.${var.deployment.dns_suffix}"
}

# The execute-api endpoint stays on: senders reach @connections there, also for viewers who use a domain.
resource "aws_apigatewayv2_api" "this" {
  region                     = var.region
  name                       = "${var.deployment.prefix}-${var.name}"
  description                = "Viewers: one WebSocket for each."
  protocol_type              = "WEBSOCKET"
  route_selection_expression = var.api.route_selection_expression
}

resource "aws_apigatewayv2_integration" "routes" {
  region             = var.region
  api_id             = aws_apigatewayv2_api.this.id
  integration_type   = "AWS_PROXY"
  integration_method = "POST"
  integration_uri    = var.routes_function.invoke_arn
}

# No identity sources: API Gateway would refuse a request that lacks one of them before it asks the function, and a token
# may come in the query or as a subprotocol.
resource "aws_apigatewayv2_authorizer" "viewers" {
  region           = var.region
  api_id           = aws_apigatewayv2_api.this.id
  name             = "viewers"
  authorizer_type  = "REQUEST"
  authorizer_uri   = var.authorizer_function.invoke_arn
  identity_sources = []
}

resource "aws_apigatewayv2_route" "this" {
  for_each = toset(var.api.routes)

  region             = var.region
  api_id             = aws_apigatewayv2_api.this.id
  route_key          = each.key
  target             = "integrations/${aws_apigatewayv2_integration.routes.id}"
  authorization_type = each.key == "$connect" ? "CUSTOM" : "NONE"
  authorizer_id      = each.key == "$connect" ? aws_apigatewayv2_authorizer.viewers.id : null

  route_response_selection_expression = contains(var.api.two_way, each.key) ? "$default" : null
}

# Without a route response API Gateway throws the function's answer away
# (https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-response.html).
resource "aws_apigatewayv2_route_response" "this" {
  for_each = toset(var.api.two_way)

  region             = var.region
  api_id             = aws_apigatewayv2_api.this.id
  route_id           = aws_apigatewayv2_route.this[each.key].id
  route_response_key = "$default"
}

resource "aws_apigatewayv2_stage" "this" {
  region      = var.region
  api_id      = aws_apigatewayv2_api.this.id
  name        = var.api.stage
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

  dynamic "access_log_settings" {
    for_each = aws_cloudwatch_log_group.access
    content {
      destination_arn = access_log_settings.value.arn
      # No query: a token may be in it.
      format = jsonencode({
        requestId    = "$context.requestId"
        connectionId = "$context.connectionId"
        eventType    = "$context.eventType"
        routeKey     = "$context.routeKey"
        status       = "$context.status"
        time         = "$context.requestTimeEpoch"
        latency      = "$context.integrationLatency"
        error        = "$context.error.message"
      })
    }
  }

  # AWS refuses settings of a route that does not exist yet, and the first deployment has to contain all routes.
  depends_on = [aws_apigatewayv2_route.this, aws_apigatewayv2_route_response.this]
}

resource "aws_cloudwatch_log_group" "access" {
  count = var.access_logs ? 1 : 0

  region            = var.region
  name              = "/aws/vendedlogs/apigateway/${aws_apigatewayv2_api.this.name}"
  retention_in_days = var.deployment.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_lambda_permission" "routes" {
  region        = var.region
  action        = "lambda:InvokeFunction"
  function_name = var.routes_function.name
  qualifier     = var.routes_function.qualifier
  principal     = "apigateway.amazonaws.com"
  # The * stands for the routes of this one stage.
  source_arn = "${local.execution_arn}/${var.api.stage}/*"
}

resource "aws_lambda_permission" "authorizer" {
  region        = var.region
  action        = "lambda:InvokeFunction"
  function_name = var.authorizer_function.name
  qualifier     = var.authorizer_function.qualifier
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${local.execution_arn}/authorizers/${aws_apigatewayv2_authorizer.viewers.id}"
}
