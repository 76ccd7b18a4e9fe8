variable "deployment" {
  description = "Values that all parts of this deployment share."
  type = object({
    prefix             = string
    partition          = string
    account_id         = string
    log_retention_days = number
  })
  nullable = false
}

variable "region" {
  description = "The region of the API."
  type        = string
  nullable    = false
}

variable "name" {
  description = "The name of the API, without the prefix."
  type        = string
  nullable    = false
}

variable "api_id" {
  description = "The id of the API."
  type        = string
  nullable    = false
}

variable "kms_key_arn" {
  description = "The KMS key of the log, null for CloudWatch's own."
  type        = string
  default     = null
}
