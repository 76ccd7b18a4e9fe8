# Momento is no service of AWS: it is used with an account of yours there, a cache, and an API key. The key is in a parameter of
# Systems Manager that you make (docs/deploy.md). So here are only the parts of the cell that AWS has.
locals {
  parameter_arn = "arn:${var.deployment.partition}:ssm:${var.home_region}:${var.deployment.account_id}:parameter/${trimprefix(var.momento.api_key_parameter, "/")}"
}

module "parts" {
  source = "../cell_parts"

  deployment          = var.deployment
  region              = var.region
  suffix              = var.suffix
  functions           = var.functions
  tables              = var.tables
  references          = var.references
  home                = var.home
  deletion_protection = var.deletion_protection
  options             = var.options
  policies            = {}
}
