resource "aws_apigatewayv2_domain_name" "this" {
  region      = var.region
  domain_name = var.domain.name

  domain_name_configuration {
    certificate_arn = var.domain.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
}

resource "aws_apigatewayv2_api_mapping" "this" {
  region      = var.region
  api_id      = var.api_id
  domain_name = aws_apigatewayv2_domain_name.this.id
  stage       = var.stage
}

resource "aws_route53_record" "this" {
  count = var.domain.zone_id == null ? 0 : 1

  zone_id        = var.domain.zone_id
  name           = var.domain.name
  type           = "A"
  set_identifier = var.nearest ? var.region : null

  alias {
    name                   = aws_apigatewayv2_domain_name.this.domain_name_configuration[0].target_domain_name
    zone_id                = aws_apigatewayv2_domain_name.this.domain_name_configuration[0].hosted_zone_id
    evaluate_target_health = var.nearest
  }

  dynamic "latency_routing_policy" {
    for_each = var.nearest ? [1] : []
    content {
      region = var.region
    }
  }
}
