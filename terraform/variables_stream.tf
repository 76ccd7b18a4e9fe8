variable "stream_shards" {
  description = "Number of shards of the stream; null: as many as system.json says."
  type        = number
  default     = null
}

variable "stream_retention_hours" {
  description = "Hours for which the stream keeps records: 24 or more. Longer than 24 costs by the shard, the same up to 168."
  type        = number
  default     = 24
  nullable    = false
}

variable "enhanced_fan_out" {
  description = "Whether the fan-out has a consumer of its own (about 70 ms) or polls the shards (about a second, cheaper)."
  type        = bool
  default     = true
  nullable    = false
}

variable "parallelization_factor" {
  description = "Number of batches of a shard that the fan-out handles at once, 1 to 10."
  type        = number
  default     = 10
  nullable    = false
}

variable "unhandled_retention_days" {
  description = "Days for which S3 keeps records that grew too old on the stream."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.unhandled_retention_days >= 1 && floor(var.unhandled_retention_days) == var.unhandled_retention_days
    error_message = "The records are kept for whole days, at least one."
  }
}
