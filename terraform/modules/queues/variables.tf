variable "deployment" {
  description = "Values that all parts of this deployment share."
  type = object({
    prefix     = string
    partition  = string
    dns_suffix = string
    account_id = string
  })
  nullable = false
}

variable "region" {
  description = "The region of the queues."
  type        = string
  nullable    = false
}

variable "queues" {
  description = "Queues as system.json describes them, by name: visibility time-out and retention in seconds, and where a message goes that was received too often."
  type = map(object({
    visibility_timeout = number
    retention          = number
    dead_letter        = optional(string)
    max_receives       = optional(number)
  }))
  nullable = false

  validation {
    condition = alltrue([
      for queue in values(var.queues) : queue.dead_letter == null || (contains(keys(var.queues), coalesce(queue.dead_letter, "-")) && queue.max_receives != null)
    ])
    error_message = "A dead_letter must be one of the queues beside it, and comes with max_receives."
  }
}

variable "suffix" {
  description = "The end of the queues' names, of a cell that has not the name of its region."
  type        = string
  default     = ""
  nullable    = false
}

variable "kms_key_arn" {
  description = "The KMS key that encrypts the messages, null for SQS's own."
  type        = string
  default     = null
}
