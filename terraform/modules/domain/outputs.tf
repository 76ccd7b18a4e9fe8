output "name" {
  description = "The domain name."
  value       = aws_apigatewayv2_domain_name.this.domain_name
}

output "target" {
  description = "Target of a record of the domain: a host and the zone of an alias."
  value = {
    host    = aws_apigatewayv2_domain_name.this.domain_name_configuration[0].target_domain_name
    zone_id = aws_apigatewayv2_domain_name.this.domain_name_configuration[0].hosted_zone_id
  }
}
