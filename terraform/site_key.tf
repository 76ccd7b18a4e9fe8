# The site's key: CloudFront adds it as a header to what it asks of the HTTP API, and the API answers readers who come without
# it with 403. So nobody goes around CloudFront, its cache and its WAF (docs/security.md).
#
# Two keys count at any time: number site_key_version, which CloudFront sends, and the one before it, which CloudFront's
# locations may send for the minutes that a change takes. A key is 128 random bits in the state (function-uuid.html in
# Terraform's reference); the state has to be private for it, as has the function's environment.
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
