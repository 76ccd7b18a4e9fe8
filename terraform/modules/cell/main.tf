locals {
  # The name of a metric's deployment, and of tables and functions, ends in the cell's suffix: another cell may be in the region.
  references = merge(
    var.references,
    { deployment = "${var.deployment.prefix}${var.suffix}" },
    { for name in keys(var.tables) : "table.${name}" => "${var.deployment.prefix}-${name}${var.suffix}" },
    { cell = var.suffix == "" ? var.region : trimprefix(var.suffix, "-") },
    { connections_url = module.viewers_api.connections_url },
    { for name, url in module.queues.urls : "queue.${name}" => url },
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

module "queues" {
  source = "../queues"

  deployment  = var.deployment
  region      = var.region
  queues      = var.queues
  suffix      = var.suffix
  kms_key_arn = var.options.kms_key_arn
}

module "function" {
  source   = "../function"
  for_each = var.functions

  deployment              = var.deployment
  region                  = var.region
  name                    = "${each.key}${var.suffix}"
  function                = each.value
  environment             = { for variable, reference in each.value.environment : variable => local.references[reference] }
  policies                = local.policies[each.key]
  kms_key_arn             = var.options.kms_key_arn
  kms_key_arns            = compact([var.options.kms_key_arn, var.home.kms_key_arn])
  reserved_concurrency    = lookup(var.options.reserved_concurrency, each.key, null)
  provisioned_concurrency = lookup(var.options.provisioned_concurrency, each.key, 0)
}

module "viewers_api" {
  source = "../viewers_api"

  deployment          = var.deployment
  region              = var.region
  name                = "websocket${var.suffix}"
  api                 = var.api
  routes_function     = module.function["routes"]
  authorizer_function = module.function["authorizer"]
  access_logs         = var.options.access_logs
  kms_key_arn         = var.options.kms_key_arn
}

module "domain" {
  source = "../domain"
  count  = var.options.domain == null ? 0 : 1

  region  = var.region
  domain  = var.options.domain
  api_id  = module.viewers_api.id
  stage   = module.viewers_api.deployed_stage
  nearest = true
}
