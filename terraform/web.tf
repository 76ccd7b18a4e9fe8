variable "web" {
  description = <<-EOT
    The static site, the cached snapshots and the operators' way to the API behind CloudFront; with null there is no site. All options
    have defaults: whether to upload the site's files; their folder (this repository's web/); the operators' sign-in (an authorization
    code with PKCE; without it, and without desk_site of user_pool, operators paste a token); a domain (certificate in us-east-1);
    more origins to which its pages may connect; whether CloudFront has Origin Shield (on by default); another region for it than the
    one near home (origin_shield.json); a WAF; a bucket for access logs; CloudFront's price class; and the number of the site's key:
    raise it by 1 for a new key (site_key.tf).
  EOT
  type = object({
    upload         = optional(bool, true)
    site_directory = optional(string)
    operators_sign_in = optional(object({
      authorize_url = string
      token_url     = string
      client_id     = string
      scope         = string
    }))
    domain = optional(object({
      name            = string
      certificate_arn = string
      zone_id         = optional(string)
    }))
    connect_sources      = optional(list(string), [])
    origin_shield        = optional(bool, true)
    origin_shield_region = optional(string)
    web_acl_arn          = optional(string)
    log_bucket           = optional(string)
    price_class          = optional(string, "PriceClass_All")
    site_key_version     = optional(number, 1)
  })
  default = {}

  validation {
    condition     = var.web == null ? true : var.web.site_key_version >= 1 && floor(var.web.site_key_version) == var.web.site_key_version
    error_message = "web.site_key_version is a whole number from 1 on. Raise it by 1 for a new key."
  }
}

locals {
  # Origin Shield is one cache between the API and all of CloudFront. Without it each of the 13 regional edge caches asks the API
  # (docs/send-budget.md, Readers).
  shields       = jsondecode(file("${path.module}/origin_shield.json"))
  origin_shield = merge({ for region in local.shields.regions : region => region }, { for home, region in merge(local.shields.nearest, local.shields.instead) : home => region if home != "//" })

  origin_shield_region = try(var.web.origin_shield, false) ? try(coalesce(var.web.origin_shield_region, lookup(local.origin_shield, var.home_region, null)), null) : null
}

module "web" {
  source = "./modules/web"
  count  = var.web == null ? 0 : 1

  prefix               = var.prefix
  region               = var.home_region
  site                 = jsondecode(file("${path.module}/site.json"))
  api_endpoint         = module.operators_api.url
  site_key             = module.operators_api.site_key
  cells                = { for name, cell in merge(module.cell, local.broadcasting_cells) : name => merge({ transport = local.cells[name].transport, region = local.cells[name].region }, cell.address) }
  force_destroy        = !var.deletion_protection
  site_directory       = var.web.upload ? coalesce(var.web.site_directory, "${path.module}/../web") : null
  operators_sign_in    = try(coalesce(var.web.operators_sign_in, one(module.user_pool[*].sign_in)), null)
  domain               = var.web.domain
  connect_sources      = var.web.connect_sources
  origin_shield_region = local.origin_shield_region
  web_acl_arn          = var.web.web_acl_arn
  log_bucket           = var.web.log_bucket
  price_class          = var.web.price_class
}

output "site_url" {
  description = "The static site, and the snapshots under /matches/; null if there is no site."
  value       = one(module.web[*].url)

  precondition {
    condition     = local.origin_shield_region != null || !try(var.web.origin_shield, false)
    error_message = "No region of Origin Shield is known for ${var.home_region}. Set web.origin_shield_region to the nearest region that has it (${local.shields.source}), or set web.origin_shield to false."
  }

  precondition {
    # CloudFront's name is known only after the first apply, so this is checked after everything else is made.
    condition = var.web == null ? true : length(setintersection(
      ["*", one(module.web[*].url)], [for origin in split(",", local.settings.origins) : trimspace(origin)]
    )) > 0
    error_message = "Visitors of the site get no live updates: settings.origins does not name it. Add ${coalesce(one(module.web[*].url), "the site")} to origins, or leave origins out."
  }
}

output "site_bucket" {
  description = "The bucket for the site's files; null if there is no site."
  value       = one(module.web[*].bucket)
}
