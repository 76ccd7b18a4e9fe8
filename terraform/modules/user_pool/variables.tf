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

variable "scope" {
  description = "Scope in operators' tokens: the resource server, a slash, and the scope's own name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^/]+/[^/]+$", var.scope))
    error_message = "The scope is a resource server's name, a slash and a scope's name, such as livescore/score:write: Cognito writes it so."
  }
}

variable "message_scope" {
  description = "Scope in the tokens of programs that send messages to single viewers: the same resource server, a slash, and the scope's own name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^/]+/[^/]+$", var.message_scope)) && split("/", var.message_scope)[0] == split("/", var.scope)[0] && var.message_scope != var.scope
    error_message = "The scope for messages is of the same resource server as the operators' scope, and another one, such as livescore/viewer:write."
  }
}

variable "domain_prefix" {
  description = "Beginning of the name of the sign-in page; nobody else in the region may have it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.domain_prefix)) && !can(regex("aws|amazon|cognito", var.domain_prefix))
    error_message = "The prefix of the sign-in page is 1 to 63 small letters, digits and hyphens, without a hyphen at an end and without the words aws, amazon and cognito."
  }
}

variable "desk_site" {
  description = "The site whose operator.html people sign in at, https:// and a host; null: nobody signs in there."
  type        = string
  default     = null

  validation {
    condition     = var.desk_site == null ? true : can(regex("^https://[^/]+$", var.desk_site))
    error_message = "The desk's site is https:// and a host, without a path."
  }
}

variable "viewers" {
  description = "Whether there is an app client for viewers' tokens."
  type        = bool
  default     = false
  nullable    = false
}

variable "messages" {
  description = "Whether there is an app client for a program that sends messages to single viewers."
  type        = bool
  default     = false
  nullable    = false
}

variable "competitions" {
  description = "The claim competitions of tokens, by the id of the app client; default is for all others."
  type        = map(string)
  default     = { default = "*" }
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether the pool refuses to be deleted."
  type        = bool
  default     = true
  nullable    = false
}

variable "kms_key_arn" {
  description = "The home's KMS key, for the trigger's environment and log; null for AWS's own."
  type        = string
  default     = null
}
