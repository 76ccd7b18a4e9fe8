# The site's key: CloudFront adds it as a header to what it asks of the HTTP API, and the API answers readers who come without
# it with 403. So nobody goes around CloudFront, its cache and its WAF (docs/security.md).
#
# Two keys count at any time: number site_key_version, which CloudFront sends, and the one before it, which CloudFront's
# locations may send for the minutes that a change takes. A key is a random UUID
# (https://developer.hashicorp.com/terraform/language/functions/uuid). It is in the state and in the function's environment: both have
# to be private.
resource "terraform_data" "site_key" {
  for_each = toset(var.web == null ? [] : [for version in [var.web.site_key_version - 1, var.web.site_key_version] : tostring(version)])

  input = sensitive(uuid())

  lifecycle {
    ignore_changes = [input]
  }
}

locals {
  site_keys = var.web == null ? [] : [
    for version in [var.web.site_key_version, var.web.site_key_version - 1] : terraform_data.site_key[tostring(version)].output
  ]
}
