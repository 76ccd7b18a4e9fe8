# The site's key: CloudFront adds it as a header to each request to the HTTP API, and the API answers readers without the key
# with 403. So nobody goes around CloudFront, its cache and its WAF (docs/security.md).
#
# The API accepts two keys at any time: number site_key_version, which CloudFront sends, and the key before it, which CloudFront's
# locations may send for some minutes after a change. A key is a random UUID
# (https://developer.hashicorp.com/terraform/language/functions/uuid).
#
# A key is kept in a parameter, because a parameter's value is sensitive in the provider's schema. So Terraform prints neither the value
# nor values made from it (https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ssm/parameter.go). `sensitive`
# here repeats this. Only Terraform reads the parameter. The key is also in the state and in the function's environment, so both
# have to be private.
resource "aws_ssm_parameter" "site_key" {
  for_each = toset(var.web == null ? [] : [for version in [var.web.site_key_version - 1, var.web.site_key_version] : tostring(version)])

  region      = var.home_region
  name        = "/${var.prefix}/site-key/${each.key}"
  description = "The key by which CloudFront shows the HTTP API that a request has come through it. Terraform makes it; raise web.site_key_version for another."
  type        = "SecureString"
  tier        = "Standard"
  key_id      = var.home.kms_key_arn
  value       = sensitive(uuid())

  lifecycle {
    ignore_changes = [value]
  }
}

locals {
  site_keys = var.web == null ? [] : [
    for version in [var.web.site_key_version, var.web.site_key_version - 1] : aws_ssm_parameter.site_key[tostring(version)].value
  ]
}
