# Momento is no service of AWS: it is used with an account of yours there, a cache, and an API key. The key is in a parameter of
# Systems Manager that you make (docs/deploy.md). So here are only the parts of the cell that AWS has.
locals {
  parameter_arn = "arn:${var.cell.deployment.partition}:ssm:${var.cell.references["home_region"]}:${var.cell.deployment.account_id}:parameter/${trimprefix(var.momento.api_key_parameter, "/")}"
}

module "parts" {
  source = "../cell_parts"

  cell     = var.cell
  policies = {}
}
