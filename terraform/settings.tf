variable "settings" {
  description = <<-EOT
    Settings that differ from their defaults; system.json lists them all. Without user_pool you must set issuer, jwks_url and
    operator_audience, and viewer_audience if anonymous is off. With user_pool, audiences here are accepted beside the pool's
    app clients.
  EOT
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.settings), keys(local.system.settings))) == 0
    error_message = "There is no setting ${join(", ", setsubtract(keys(var.settings), keys(local.system.settings)))}. There are: ${join(", ", keys(local.system.settings))}."
  }

  validation {
    condition = alltrue([
      for name, value in var.settings :
      can(regex("^[1-9][0-9]*$", value)) || !can(tonumber(local.system.settings[name].default))
    ])
    error_message = "Settings whose default is a number are whole numbers above 0."
  }

  validation {
    condition     = var.user_pool == null || length(setintersection(keys(var.settings), ["issuer", "jwks_url"])) == 0
    error_message = "Leave issuer and jwks_url out of settings, or leave user_pool out: the pool is the issuer."
  }

  validation {
    condition     = var.user_pool != null || startswith(lookup(var.settings, "issuer", ""), "https://")
    error_message = "Set issuer to the https URL of the issuer of tokens, or set user_pool: API Gateway makes no JWT authorizer without an issuer."
  }

  validation {
    condition     = var.user_pool != null || startswith(lookup(var.settings, "jwks_url", ""), "https://")
    error_message = "Set jwks_url to the https URL of the issuer's keys; of Cognito, the issuer followed by /.well-known/jwks.json."
  }

  validation {
    condition     = var.user_pool != null || length(compact(split(",", lookup(var.settings, "operator_audience", "")))) > 0
    error_message = "Set operator_audience: API Gateway makes no JWT authorizer without an audience."
  }

  validation {
    condition     = contains(["on", "off"], lookup(var.settings, "anonymous", "on"))
    error_message = "anonymous is on or off."
  }

  validation {
    condition     = lookup(var.settings, "anonymous", "on") != "off" || try(var.user_pool.viewers, false) || length(compact(split(",", lookup(var.settings, "viewer_audience", "")))) > 0
    error_message = "Set viewer_audience, or viewers in user_pool, or leave anonymous on: otherwise nobody can watch."
  }

  validation {
    condition     = lookup(var.settings, "operator_scope", "-") != ""
    error_message = "operator_scope cannot be empty: every token of the issuer's would score."
  }

  validation {
    condition     = !contains(["", lookup(var.settings, "operator_scope", local.system.settings.operator_scope.default)], lookup(var.settings, "message_scope", local.system.settings.message_scope.default))
    error_message = "message_scope cannot be empty, and cannot be operator_scope: operators would send messages to viewers, and programs that send messages would score."
  }

  validation {
    condition     = try(tonumber(lookup(var.settings, "watchdog_seconds", "1")) <= 900, true)
    error_message = "watchdog_seconds is at most 900, the longest delay of an SQS message."
  }

  validation {
    condition     = try(tonumber(lookup(var.settings, "hand_over_seconds", "1")) <= local.system.settings.hand_over_seconds.default, true)
    error_message = "hand_over_seconds is at most ${local.system.settings.hand_over_seconds.default}: an execution that hands over later may reach its end while a sender is tried again."
  }

  validation {
    condition     = try(tonumber(lookup(var.settings, "lease_seconds", "900")) >= local.system.settings.lease_seconds.default, true)
    error_message = "lease_seconds is at least ${local.system.settings.lease_seconds.default}: a shorter lease may end while the state machine tries its tasks again."
  }
}

locals {
  given = { for name, setting in local.system.settings : name => lookup(var.settings, name, tostring(setting.default)) }

  # Settings that follow from the pool. Given audiences are added to the pool's.
  settings = merge(local.given, [
    for pool in module.user_pool[*].settings : merge(pool, {
      for name in ["operator_audience", "viewer_audience"] : name => join(",", compact([pool[name], local.given[name]]))
    })
  ]...)
}
