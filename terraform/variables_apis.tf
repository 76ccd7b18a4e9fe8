variable "cors_origins" {
  description = "Origins of web pages that may call the operators' API from a browser; none: only pages on its own origin."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for origin in var.cors_origins : can(regex("^(\\*|https?://[^/]+)$", origin))])
    error_message = "An origin is https:// and a host, without a path."
  }
}

variable "http_throttles" {
  description = "Requests a second and burst of the HTTP API's routes where they differ from system.json, by route."
  type = map(object({
    rate  = number
    burst = number
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(setsubtract(keys(var.http_throttles), local.system.http_api.routes)) == 0
    error_message = "Throttles are of: ${join(", ", local.system.http_api.routes)}."
  }

  validation {
    condition     = alltrue([for throttle in values(var.http_throttles) : throttle.rate > 0 && throttle.burst > 0])
    error_message = "A throttle of 0 answers everything with 429."
  }
}

variable "websocket_throttles" {
  description = "Messages a second and burst of the WebSocket APIs' routes where they differ from system.json, by route."
  type = map(object({
    rate  = number
    burst = number
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(setsubtract(keys(var.websocket_throttles), local.system.websocket_api.routes)) == 0
    error_message = "Throttles are of: ${join(", ", local.system.websocket_api.routes)}."
  }

  validation {
    condition     = alltrue([for throttle in values(var.websocket_throttles) : throttle.rate > 0 && throttle.burst > 0])
    error_message = "A throttle of 0 answers everything with 429."
  }
}
