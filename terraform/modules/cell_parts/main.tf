locals {
  references = merge(
    var.cell.references,
    # A metric's dimension. The metrics of another cell in this region have another suffix.
    { deployment = "${var.cell.deployment.prefix}${var.cell.suffix}" },
    { cell = var.cell.suffix == "" ? var.cell.region : trimprefix(var.cell.suffix, "-") },
    { for name in keys(var.cell.tables) : "table.${name}" => "${var.cell.deployment.prefix}-${name}${var.cell.suffix}" },
  )
}

module "table" {
  source   = "../table"
  for_each = var.cell.tables

  deployment          = var.cell.deployment
  region              = var.cell.region
  name                = "${each.key}${var.cell.suffix}"
  table               = each.value
  deletion_protection = var.cell.deletion_protection
  kms_key_arn         = var.cell.options.kms_key_arn
}

module "function" {
  source   = "../function"
  for_each = var.cell.functions

  deployment              = var.cell.deployment
  region                  = var.cell.region
  name                    = "${each.key}${var.cell.suffix}"
  function                = each.value
  environment             = { for variable, reference in each.value.environment : variable => local.references[reference] }
  policies                = var.policies[each.key]
  kms_key_arn             = var.cell.options.kms_key_arn
  kms_key_arns            = compact([var.cell.options.kms_key_arn, var.cell.home.kms_key_arn])
  reserved_concurrency    = lookup(var.cell.options.reserved_concurrency, each.key, null)
  provisioned_concurrency = lookup(var.cell.options.provisioned_concurrency, each.key, 0)
}
