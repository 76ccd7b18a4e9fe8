locals {
  references = merge(
    var.references,
    # A metric's dimension. The metrics of another cell in this region have another suffix.
    { deployment = "${var.deployment.prefix}${var.suffix}" },
    { cell = var.suffix == "" ? var.region : trimprefix(var.suffix, "-") },
    { for name in keys(var.tables) : "table.${name}" => "${var.deployment.prefix}-${name}${var.suffix}" },
  )
}

module "table" {
  source   = "../table"
  for_each = var.tables

  deployment          = var.deployment
  region              = var.region
  name                = "${each.key}${var.suffix}"
  table               = each.value
  deletion_protection = var.deletion_protection
  kms_key_arn         = var.options.kms_key_arn
}

module "function" {
  source   = "../function"
  for_each = var.functions

  deployment              = var.deployment
  region                  = var.region
  name                    = "${each.key}${var.suffix}"
  function                = each.value
  environment             = { for variable, reference in each.value.environment : variable => local.references[reference] }
  policies                = var.policies[each.key]
  kms_key_arn             = var.options.kms_key_arn
  kms_key_arns            = compact([var.options.kms_key_arn, var.home.kms_key_arn])
  reserved_concurrency    = lookup(var.options.reserved_concurrency, each.key, null)
  provisioned_concurrency = lookup(var.options.provisioned_concurrency, each.key, 0)
}
