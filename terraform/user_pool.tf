variable "user_pool" {
  description = <<-EOT
    A Cognito user pool that issues the tokens; null: settings name an issuer of your own. It has the first
    part of the name of its sign-in page and, all optional, the site whose desk people sign in at (https:// and a host),
    whether viewers get tokens too, the claim competitions by the id of the app client, with default for all others.
  EOT
  type = object({
    domain_prefix = string
    desk_site     = optional(string)
    viewers       = optional(bool, false)
    competitions  = optional(map(string), { default = "*" })
  })
  default = null
}

module "user_pool" {
  source = "./modules/user_pool"
  count  = var.user_pool == null ? 0 : 1

  deployment          = local.deployment
  region              = var.home_region
  scope               = lookup(var.settings, "operator_scope", local.system.settings.operator_scope.default)
  domain_prefix       = var.user_pool.domain_prefix
  desk_site           = var.user_pool.desk_site
  viewers             = var.user_pool.viewers
  competitions        = var.user_pool.competitions
  deletion_protection = var.deletion_protection
  kms_key_arn         = var.home.kms_key_arn
}

output "user_pool" {
  description = "The user pool: its id, where tokens are given out, and the ids of the app clients; null without."
  value       = one(module.user_pool[*].pool)
}
