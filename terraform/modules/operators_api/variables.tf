variable "deployment" {
  description = "Values that all parts of this deployment share. package is the path of the zip."
  type = object({
    prefix             = string
    partition          = string
    dns_suffix         = string
    account_id         = string
    package            = string
    runtime            = string
    architecture       = string
    tracing            = bool
    log_retention_days = number
  })
  nullable = false
}

variable "region" {
  description = "The home region."
  type        = string
  nullable    = false
}

variable "function" {
  description = "The function behind the API as system.json describes it, with its name there; a value of its environment is the name of a reference."
  type = object({
    name        = string
    handler     = string
    memory      = number
    timeout     = number
    environment = map(string)
  })
  nullable = false
}

variable "api" {
  description = "The HTTP API as system.json describes it, with the throttles of this deployment and the authorizer's references resolved."
  type = object({
    routes = list(string)
    throttles = map(object({
      rate  = number
      burst = number
    }))
    default_throttle = object({ rate = number, burst = number })
    authorizer = object({
      issuer   = string
      audience = string
      scope    = string
      routes   = list(string)
      # Routes that need another scope.
      scopes = optional(map(string), {})
    })
  })
  nullable = false

  validation {
    condition     = alltrue([for throttle in concat([var.api.default_throttle], values(var.api.throttles)) : throttle.rate > 0 && throttle.burst > 0])
    error_message = "Every throttle must be above 0: a throttle of 0 answers everything with 429."
  }

  validation {
    condition     = length(setsubtract(var.api.routes, keys(var.api.throttles))) == 0
    error_message = "Each route needs a throttle of its own: ${join(", ", setsubtract(var.api.routes, keys(var.api.throttles)))}. The default is the account's quota and protects no route."
  }

  validation {
    condition     = length(setsubtract(setunion(keys(var.api.throttles), var.api.authorizer.routes), var.api.routes)) == 0
    error_message = "Throttles and the authorizer's routes must be of routes that there are."
  }

  validation {
    condition     = length(setsubtract(keys(var.api.authorizer.scopes), var.api.authorizer.routes)) == 0
    error_message = "A route with a scope of its own must be one of the authorizer's routes: API Gateway checks no scope without an authorizer."
  }

  validation {
    condition     = alltrue([for scope in values(var.api.authorizer.scopes) : scope != "" && scope != var.api.authorizer.scope])
    error_message = "A scope of a route cannot be empty, and cannot be the operators' scope: that is for matches."
  }

  validation {
    condition     = startswith(var.api.authorizer.issuer, "https://") && length(compact(split(",", var.api.authorizer.audience))) > 0 && var.api.authorizer.scope != ""
    error_message = "API Gateway makes no JWT authorizer without an https issuer and an audience, and operators need a scope."
  }
}

variable "references" {
  description = "Values of the references of system.json at home."
  type        = map(string)
  nullable    = false
}

variable "site_keys" {
  description = "Keys by which the site shows that a request has come through it, the newest first; none: readers may come from anywhere."
  type        = list(string)
  default     = []
  nullable    = false
  sensitive   = true
}

variable "resources" {
  description = "The ARNs of what the function works on: the matches table, the stream, the table of broadcasts in every cell, and of the cells with API Gateway the table of subscriptions and the stage with the viewers' connections."
  type = object({
    matches_arn     = string
    stream_arn      = string
    broadcasts_arns = list(string)
    # None without a cell with API Gateway.
    subscriptions_arns = optional(list(string), [])
    connections_arns   = optional(list(string), [])
    # Action of IAM = resources: what publishes in the other cells.
    publish = optional(map(list(string)), {})
  })
  nullable = false
}

variable "kms_key_arn" {
  description = "The home region's KMS key, null for AWS's own."
  type        = string
  default     = null
}

variable "kms_key_arns" {
  description = "The KMS keys of everything that the function reads and writes, the cells' included."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "reserved_concurrency" {
  description = "Number of invocations that may run at once; null: as many as the account has left."
  type        = number
  default     = null
}

variable "provisioned_concurrency" {
  description = "Number of execution environments that are kept warm. Switching it on or off interrupts: the API answers 500 for seconds (docs/deploy.md, Before a big match)."
  type        = number
  default     = 0
  nullable    = false
}

variable "cors_origins" {
  description = "Origins of web pages that may call the API from a browser; none: only pages on its own origin."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "domain" {
  description = "A domain name of its own, with its certificate in the home region and its Route 53 zone; null for none. With it the address that AWS gave the API is off."
  type = object({
    name            = string
    certificate_arn = string
    zone_id         = optional(string)
  })
  default = null
}
