variable "deployment" {
  description = "Values that all parts of this deployment share."
  type = object({
    prefix                 = string
    partition              = string
    account_id             = string
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

variable "kms_key_arn" {
  description = "The KMS key that encrypts the table, null for DynamoDB's own."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "Whether the table refuses to be deleted."
  type        = bool
  nullable    = false
}
