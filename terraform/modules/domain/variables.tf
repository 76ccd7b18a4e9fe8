variable "region" {
  description = "The region of the API and of the certificate."
  type        = string
  nullable    = false
}

variable "domain" {
  description = "The domain name, the ARN of its certificate in this region, and the Route 53 zone for its record (null: you make the record)."
  type = object({
    name            = string
    certificate_arn = string
    zone_id         = optional(string)
  })
  nullable = false
}

variable "api_id" {
  description = "The API that the domain leads to."
  type        = string
  nullable    = false
}

variable "stage" {
  description = "The stage that the domain leads to."
  type        = string
  nullable    = false
}

variable "nearest" {
  description = "Whether several regions share the name, and the record answers with the nearest."
  type        = bool
  default     = false
  nullable    = false
}
