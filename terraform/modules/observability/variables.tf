variable "prefix" {
  description = "Begins the names of alarms, topics, dashboard and budget, and is the dimension deployment of the functions' metrics."
  type        = string
}

variable "home" {
  description = "Resources that are watched at home: its region; functions and queues as role = name; the stream's name; its enhanced fan-out consumer if it has one; the id of the fan-out's event source mapping, which counts its events; the tables as role = name and names of indexes; the HTTP API's id and stage; the hours that the stream keeps a record."
  type = object({
    region          = string
    functions       = map(string)
    queues          = map(string)
    tables          = map(object({ name = string, indexes = list(string) }))
    stream          = string
    retention_hours = number
    consumer        = optional(string)
    event_source    = string
    api_id          = string
    api_stage       = optional(string, "$default")
  })
}

variable "cells" {
  description = "Resources that are watched in each cell, by its name: its region, its transport and the suffix of its names; functions and queues as role = name, tables as role = name and names of indexes; of the transport, the API's id and stage, the namespace of its channels, the ARN of the state machine, and names of rules."
  type = map(object({
    region    = string
    transport = string
    suffix    = string
    functions = map(string)
    queues    = map(string)
    tables    = map(object({ name = string, indexes = list(string) }))
    watched = object({
      api_id        = optional(string)
      api_stage     = optional(string)
      namespace     = optional(string)
      state_machine = optional(string)
      rules         = optional(map(string), {})
    })
  }))

  validation {
    condition     = length(var.cells) > 0
    error_message = "cells has at least one cell."
  }

  validation {
    condition     = alltrue([for cell in values(var.cells) : cell.transport != "api-gateway" || alltrue([for role in ["sender", "receipt", "routes", "authorizer"] : contains(keys(cell.functions), role)])])
    error_message = "Each cell of the transport api-gateway has the functions sender, receipt, routes and authorizer."
  }
}

variable "distribution_id" {
  description = "The CloudFront distribution of the web module, or null where there is none. With watch_web."
  type        = string
  default     = null
}

variable "watch_web" {
  description = "Whether there is a distribution to watch. Its metrics are in us-east-1, wherever home is."
  type        = bool
  default     = false
  nullable    = false
}

variable "runbooks" {
  description = "Address at which docs/operations.md can be read: alarms link to its sections."
  type        = string
  default     = "docs/operations.md"
  nullable    = false

  validation {
    condition     = length(var.runbooks) > 0 && length(var.runbooks) <= 500 && !strcontains(var.runbooks, "#")
    error_message = "runbooks is a path or a URL of at most 500 characters, without #: the section comes after it."
  }
}

variable "emails" {
  description = "Addresses that are told of alarms and of the budget; each confirms a subscription in every region. Empty: alarms are shown and nobody is told."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for email in var.emails : can(regex("^[^@ ]+@[^@ ]+$", email))])
    error_message = "Each of emails is an e-mail address."
  }
}

variable "kms_key_arns" {
  description = "A customer managed key for the topic of a region, by region; its policy must let cloudwatch.amazonaws.com use it. (With SNS's own key CloudWatch could not publish.)"
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "goal_to_gateway_ms" {
  description = "An alarm when 1 of 100 laps of a sender takes longer than this from the operator's POST to the last answer of the gateway, in milliseconds. Rows divided by send rate is the least that it can take."
  type        = number
  default     = 10000
  nullable    = false

  validation {
    condition     = var.goal_to_gateway_ms > 0
    error_message = "goal_to_gateway_ms is more than 0."
  }
}

variable "connections_per_second" {
  description = "The quota of new WebSocket connections of each cell's region (500 by default); an alarm at four fifths of it."
  type        = number
  default     = 500
  nullable    = false

  validation {
    condition     = var.connections_per_second > 0
    error_message = "connections_per_second is more than 0."
  }
}

variable "concurrency_quota" {
  description = "The quota of concurrent Lambda executions of each region (1,000 by default); an alarm at four fifths of it."
  type        = number
  default     = 1000
  nullable    = false

  validation {
    condition     = var.concurrency_quota > 0
    error_message = "concurrency_quota is more than 0."
  }
}

variable "quotas" {
  description = "Quotas of the services that tell viewers by themselves: new connections a second of an AppSync API."
  type        = object({ appsync_connects = optional(number, 2000) })
  default     = {}
  nullable    = false
}

variable "monthly_budget" {
  description = "US dollars a month for the whole account, or for what carries cost_tag; emails are told at half, at four fifths, and when the forecast is over it. null is no budget."
  type        = number
  default     = null

  validation {
    condition     = var.monthly_budget == null ? true : var.monthly_budget > 0
    error_message = "monthly_budget is more than 0, or null for none."
  }

  validation {
    condition     = var.monthly_budget == null || length(var.emails) > 0
    error_message = "A monthly_budget without emails would tell nobody."
  }
}

variable "cost_tag" {
  description = "Key and value of a cost allocation tag that the budget is limited to; it must have been activated in Billing. null is the whole account."
  type        = object({ key = string, value = string })
  default     = null
}
