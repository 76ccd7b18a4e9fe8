variable "deployment" {
  description = "Values that all parts of this deployment share. package is the path of the zip."
  type = object({
    prefix             = string
    partition          = string
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
  description = "The region of the function."
  type        = string
  nullable    = false
}

variable "name" {
  description = "The name of the function in system.json, without the prefix."
  type        = string
  nullable    = false
}

variable "function" {
  description = "The function as system.json describes it: handler, memory in MB, time-out in seconds."
  type = object({
    handler = string
    memory  = number
    timeout = number
  })
  nullable = false
}

variable "environment" {
  description = "Its environment variables, with the references of system.json resolved."
  type        = map(string)
  nullable    = false
}

variable "policies" {
  description = "Policy documents (JSON) of what the function may do besides writing its log and its traces."
  type        = list(string)
  nullable    = false
}

variable "kms_key_arn" {
  description = "The KMS key of the function's own region, for its environment and its log; null for AWS's own."
  type        = string
  default     = null
}

variable "kms_key_arns" {
  description = "The KMS keys of everything that the function reads and writes, other regions' included."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "reserved_concurrency" {
  description = "Number of invocations that may run at once; null: as many as the account has left."
  type        = number
  default     = null

  validation {
    condition     = var.reserved_concurrency == null || try(var.reserved_concurrency >= 1, false)
    error_message = "A reserved concurrency below 1 stops the function."
  }
}

variable "provisioned_concurrency" {
  description = "Number of execution environments that are kept warm. With any, a version is published and callers call its alias, so switching between 0 and more interrupts (docs/deploy.md, Before a big match)."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.provisioned_concurrency >= 0 && (var.reserved_concurrency == null || var.provisioned_concurrency <= coalesce(var.reserved_concurrency, 0))
    error_message = "The provisioned concurrency must be 0 or more, and within the reserved one."
  }
}
