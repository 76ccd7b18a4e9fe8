variable "deployment" {
  description = "Values that all parts of this deployment share. package is the path of the zip."
  type = object({
    prefix                  = string
    partition               = string
    dns_suffix              = string
    account_id              = string
    package                 = string
    runtime                 = string
    architecture            = string
    tracing                 = bool
    log_retention_days      = number
    state_machine_log_level = string
    point_in_time_recovery  = bool
  })
  nullable = false
}

variable "region" {
  description = "The region of the cell."
  type        = string
  nullable    = false
}

variable "suffix" {
  description = "The end of the names of the cell's resources: empty if the cell has the name of its region, else a hyphen and the cell's name."
  type        = string
  default     = ""
  nullable    = false
}

variable "functions" {
  description = "The cell's functions as system.json describes them; a value of their environment is the name of a reference."
  type = map(object({
    handler     = string
    memory      = number
    timeout     = number
    environment = map(string)
  }))
  nullable = false
}

variable "tables" {
  description = "The cell's tables as system.json describes them."
  type = map(object({
    hash_key  = string
    range_key = string
    ttl       = string
    indexes = map(object({
      hash_key   = string
      range_key  = string
      projection = string
    }))
  }))
  nullable = false
}

variable "queues" {
  description = "The cell's queues as system.json describes them."
  type = map(object({
    visibility_timeout = number
    retention          = number
    dead_letter        = optional(string)
    max_receives       = optional(number)
  }))
  nullable = false
}

variable "api" {
  description = "The WebSocket API as system.json describes it, with the throttles of this deployment."
  type = object({
    stage                      = string
    route_selection_expression = string
    routes                     = list(string)
    two_way                    = list(string)
    throttles = map(object({
      rate  = number
      burst = number
    }))
    default_throttle = object({ rate = number, burst = number })
  })
  nullable = false
}

variable "state_machine" {
  description = "The state machine: its type, the path of its definition, and for each substitution in it the name of a reference."
  type = object({
    type          = string
    definition    = string
    substitutions = map(string)
  })
  nullable = false
}

variable "references" {
  description = "Values of the references of system.json that are the same everywhere: settings, names of tables, the home region."
  type        = map(string)
  nullable    = false
}

variable "home" {
  description = "Resources at home that the cell reads and writes: the ARN of the matches table, and the KMS key of it (null: none)."
  type = object({
    matches_arn = string
    kms_key_arn = optional(string)
  })
  nullable = false
}

variable "deletion_protection" {
  description = "Whether the cell's tables refuse to be deleted."
  type        = bool
  nullable    = false
}

variable "options" {
  description = "Options that may differ from cell to cell; see cells of the root module, also for what switching provisioned concurrency interrupts."
  type = object({
    reserved_concurrency    = optional(map(number), {})
    provisioned_concurrency = optional(map(number), {})
    domain = optional(object({
      name            = string
      certificate_arn = string
      zone_id         = optional(string)
    }))
    kms_key_arn = optional(string)
    access_logs = optional(bool, false)
  })
  default  = {}
  nullable = false

  validation {
    condition     = length(setsubtract(concat(keys(var.options.reserved_concurrency), keys(var.options.provisioned_concurrency)), keys(var.functions))) == 0
    error_message = "A cell's functions are: ${join(", ", keys(var.functions))}. Concurrency is set for another."
  }
}
