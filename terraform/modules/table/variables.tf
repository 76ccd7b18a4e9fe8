variable "deployment" {
  description = "What all parts of this deployment share."
  type = object({
    prefix                 = string
    partition              = string
    account_id             = string
    deletion_protection    = bool
    point_in_time_recovery = bool
  })
  nullable = false
}

variable "region" {
  description = "The region of the table."
  type        = string
  nullable    = false
}

variable "name" {
  description = "The name of the table in system.json, without the prefix."
  type        = string
  nullable    = false
}

variable "table" {
  description = "The table as system.json describes it: keys (all of them strings), TTL attribute, indexes."
  type = object({
    hash_key  = string
    range_key = string
    ttl       = string
    indexes = map(object({
      hash_key   = string
      range_key  = string
      projection = string
    }))
  })
  nullable = false
}

variable "warm_throughput" {
  description = "Reads and writes a second that the table takes at once, null for what AWS begins with. It can be raised, never lowered."
  type = object({
    read_units  = number
    write_units = number
  })
  default = null

  validation {
    condition     = var.warm_throughput == null || try(var.warm_throughput.read_units >= 12000 && var.warm_throughput.write_units >= 4000, false)
    error_message = "A table on demand begins with 12,000 read units and 4,000 write units a second; warm_throughput cannot be less."
  }
}

variable "kms_key_arn" {
  description = "The KMS key that encrypts the table, null for DynamoDB's own."
  type        = string
  default     = null
}
