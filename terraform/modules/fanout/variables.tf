variable "deployment" {
  description = "Values that all parts of this deployment share. package is the path of the zip."
  type = object({
    prefix              = string
    partition           = string
    dns_suffix          = string
    account_id          = string
    package             = string
    runtime             = string
    architecture        = string
    tracing             = bool
    log_retention_days  = number
    deletion_protection = bool
  })
  nullable = false
}

variable "region" {
  description = "The home region."
  type        = string
  nullable    = false
}

variable "functions" {
  description = "The functions fanout and watchdog as system.json describes them; a value of their environment is the name of a reference."
  type = map(object({
    handler     = string
    memory      = number
    timeout     = number
    environment = map(string)
  }))
  nullable = false
}

variable "event_sources" {
  description = "Source of the functions' invocations, as system.json describes it: the stream or a queue."
  type = map(object({
    stream                     = optional(string)
    queue                      = optional(string)
    starting_position          = optional(string)
    batch_size                 = number
    report_batch_item_failures = optional(bool, false)
    maximum_concurrency        = optional(number)
  }))
  nullable = false

  validation {
    condition     = alltrue([for source in values(var.event_sources) : source.queue == null || try(source.maximum_concurrency >= 2 && source.maximum_concurrency <= 1000, false)])
    error_message = "The maximum_concurrency of a queue is 2 to 1,000."
  }

  validation {
    condition     = alltrue([for source in values(var.event_sources) : (source.stream == null) != (source.queue == null)])
    error_message = "An event source is either a stream or a queue."
  }

  validation {
    condition     = alltrue([for source in values(var.event_sources) : source.stream == null || source.starting_position == "TRIM_HORIZON"])
    error_message = "A stream is read from TRIM_HORIZON: LATEST may miss records while the mapping is made or changed."
  }
}

variable "queues" {
  description = "The home's queues as system.json describes them."
  type = map(object({
    visibility_timeout = number
    retention          = number
    dead_letter        = optional(string)
    max_receives       = optional(number)
  }))
  nullable = false
}

variable "references" {
  description = "Values of the references of system.json at home, but for the queues."
  type        = map(string)
  nullable    = false
}

variable "stream" {
  description = "The stream: its ARN, its enhanced fan-out consumer (null: the shards are polled) and how long it keeps records."
  type = object({
    arn               = string
    consumer_arn      = optional(string)
    retention_seconds = number
  })
  nullable = false
}

variable "enhanced_fan_out" {
  description = "Whether the stream has a consumer; said apart, for the ARN is not known before it is made."
  type        = bool
  nullable    = false
}

variable "resources" {
  description = "The ARNs of what the functions work on: the matches table, the table of broadcasts in every cell, the state machine of each cell that has one, and what publishes in the other cells, as action of IAM = resources."
  type = object({
    matches_arn        = string
    broadcasts_arns    = list(string)
    state_machine_arns = list(string)
    publish            = map(list(string))
  })
  nullable = false
}

variable "parallelization_factor" {
  description = "Number of batches of a shard that are handled at once, 1 to 10. Records of one match stay in order."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.parallelization_factor >= 1 && var.parallelization_factor <= 10 && floor(var.parallelization_factor) == var.parallelization_factor
    error_message = "The parallelization factor is a whole number from 1 to 10."
  }
}

variable "unhandled_retention_days" {
  description = "Days for which S3 keeps records that grew too old on the stream."
  type        = number
  default     = 90
  nullable    = false
}

variable "reserved_concurrency" {
  description = "Number of invocations of a function that may run at once."
  type        = map(number)
  default     = {}
  nullable    = false
}

variable "provisioned_concurrency" {
  description = "Number of execution environments of a function that are kept warm. Switching it on or off interrupts: event sources pause (docs/deploy.md, Before a big match)."
  type        = map(number)
  default     = {}
  nullable    = false
}

variable "kms_key_arn" {
  description = "The home region's KMS key, null for AWS's own."
  type        = string
  default     = null
}

variable "kms_key_arns" {
  description = "The KMS keys of everything that the functions read and write, the cells' included."
  type        = list(string)
  default     = []
  nullable    = false
}
