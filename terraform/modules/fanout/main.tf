locals {
  references = merge(var.references, { for name, url in module.queues.urls : "queue.${name}" => url })
}

module "queues" {
  source = "../queues"

  deployment  = var.deployment
  region      = var.region
  queues      = var.queues
  kms_key_arn = var.kms_key_arn
}

module "function" {
  source   = "../function"
  for_each = var.functions

  deployment              = var.deployment
  region                  = var.region
  name                    = each.key
  function                = each.value
  environment             = { for variable, reference in each.value.environment : variable => local.references[reference] }
  policies                = local.policies[each.key]
  kms_key_arn             = var.kms_key_arn
  kms_key_arns            = var.kms_key_arns
  reserved_concurrency    = lookup(var.reserved_concurrency, each.key, null)
  provisioned_concurrency = lookup(var.provisioned_concurrency, each.key, 0)
}
