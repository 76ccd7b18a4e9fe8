variable "deployment" {
  description = "Values that all parts of this deployment share."
  type = object({
    prefix     = string
    partition  = string
    account_id = string
  })
  nullable = false
}

variable "region" {
  description = "The region of the stream."
  type        = string
  nullable    = false
}

variable "name" {
  description = "The name of the stream in system.json, without the prefix."
  type        = string
  nullable    = false
}

variable "shards" {
  description = "Number of shards. One takes 1,000 records or 1 MB a second; a match stays on one shard."
  type        = number
  nullable    = false

  validation {
    condition     = var.shards >= 1 && floor(var.shards) == var.shards
    error_message = "A stream has a whole number of shards, at least one."
  }
}

variable "retention_hours" {
  description = "Hours for which the stream keeps records: 24 to 8,760; more than 24 are paid for by the shard."
  type        = number
  default     = 24
  nullable    = false

  validation {
    condition     = var.retention_hours >= 24 && var.retention_hours <= 8760 && floor(var.retention_hours) == var.retention_hours
    error_message = "Kinesis keeps records for 24 to 8,760 whole hours."
  }
}

variable "consumer" {
  description = "The name of the enhanced fan-out consumer without the prefix; null for none, then readers poll the shards."
  type        = string
  default     = null
}

variable "kms_key_arn" {
  description = "The KMS key that encrypts the records, null for the account's own of Kinesis."
  type        = string
  default     = null
}
