variable "user_pool" {
  description = <<-EOT
    A Cognito user pool that issues the tokens; with null, settings name an issuer of your own. domain_prefix is the first part of
    the host name of the sign-in page. All other options have defaults: desk_site, the site (https:// and a host) at whose desk
    people sign in; viewers, whether viewers get tokens too; messages, whether a program gets tokens that sends messages to single
    viewers; competitions, the claim by app client, with default for all others.
  EOT
  type = object({
    domain_prefix = string
    desk_site     = optional(string)
    viewers       = optional(bool, false)
    messages      = optional(bool, false)
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
  message_scope       = lookup(var.settings, "message_scope", local.system.settings.message_scope.default)
  viewers             = var.user_pool.viewers
  messages            = var.user_pool.messages
  competitions        = var.user_pool.competitions
  deletion_protection = var.deletion_protection
  kms_key_arn         = var.home.kms_key_arn
}

output "user_pool" {
  description = "The user pool: its id, the URLs that issue tokens, and the ids of the app clients; null if there is none."
  value       = one(module.user_pool[*].pool)
}
