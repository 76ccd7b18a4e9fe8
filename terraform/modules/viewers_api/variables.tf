variable "deployment" {
  description = "Values that all parts of this deployment share."
  type = object({
    prefix             = string
    partition          = string
    dns_suffix         = string
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
  default     = "websocket"
  nullable    = false
}

variable "api" {
  description = "The WebSocket API as system.json describes it."
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

  validation {
    condition     = alltrue([for throttle in concat([var.api.default_throttle], values(var.api.throttles)) : throttle.rate > 0 && throttle.burst > 0])
    error_message = "Every throttle must be above 0: a throttle of 0 answers everything with 429."
  }

  validation {
    condition     = length(setsubtract(var.api.routes, keys(var.api.throttles))) == 0
    error_message = "Each route needs a throttle of its own: ${join(", ", setsubtract(var.api.routes, keys(var.api.throttles)))}. The default is the account's quota and protects no route."
  }

  validation {
    condition     = length(setsubtract(setunion(keys(var.api.throttles), var.api.two_way), var.api.routes)) == 0
    error_message = "Throttles and two-way routes must be of routes that there are."
  }
}

variable "routes_function" {
  description = "The function behind all routes: its name, the alias that is called (null: none) and the URI of its invocation."
  type = object({
    name       = string
    qualifier  = optional(string)
    invoke_arn = string
  })
  nullable = false
}

variable "authorizer_function" {
  description = "The function that decides who may connect, described alike."
  type = object({
    name       = string
    qualifier  = optional(string)
    invoke_arn = string
  })
  nullable = false
}

variable "access_logs" {
  description = "Whether each message leaves a line in a log. Needs the account's CloudWatch role of API Gateway (aws_api_gateway_account) in this region."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "The KMS key of the access log, null for CloudWatch's own."
  type        = string
  default     = null
}
