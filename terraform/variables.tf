variable "prefix" {
  description = "The beginning of all names of resources. A second deployment in the same account and region needs another prefix."
  type        = string
  default     = "livescore"
  nullable    = false

  validation {
    # Roles have the longest names: prefix, function, region, in 64 characters.
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.prefix))
    error_message = "The prefix is 2 to 24 small letters, digits and hyphens; it begins with a letter and does not end with a hyphen."
  }

  validation {
    # https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
    # (the site's keys, site_key.tf).
    condition     = !startswith(var.prefix, "aws") && !startswith(var.prefix, "ssm")
    error_message = "The prefix does not begin with aws or ssm: AWS lets no parameter have such a name."
  }
}

variable "home_region" {
  description = "The region of the ledger, the stream, the fan-out and the operators' API."
  type        = string
  default     = "eu-west-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.home_region))
    error_message = "home_region must be a region's name, such as eu-west-1."
  }
}

variable "home" {
  description = <<-EOT
    Options of the home, all optional: reserved and provisioned concurrency by function (api, fanout, watchdog), a
    domain for the HTTP API (certificate in the home region; it switches off the address that AWS gave the API), a KMS key there.
    Switching provisioned concurrency on or off interrupts (docs/deploy.md, Before a big match).
  EOT
  type = object({
    reserved_concurrency    = optional(map(number), {})
    provisioned_concurrency = optional(map(number), {})
    domain = optional(object({
      name            = string
      certificate_arn = string
      zone_id         = optional(string)
    }))
    kms_key_arn = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = length(setsubtract(concat(keys(var.home.reserved_concurrency), keys(var.home.provisioned_concurrency)), keys(local.home.functions))) == 0
    error_message = "The home's functions are: ${join(", ", keys(local.home.functions))}. Concurrency is set for another."
  }

  # If there are more pollers than executions, messages of a poller without an execution count as received
  # (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html).
  validation {
    condition = alltrue([
      for function, source in local.system.event_sources :
      try(var.home.reserved_concurrency[function] >= source.maximum_concurrency, true)
    ])
    error_message = "The reserved concurrency of watchdog is at least the maximum_concurrency of its queue in system.json, ${local.system.event_sources.watchdog.maximum_concurrency}."
  }

  validation {
    condition = alltrue([
      for arn in compact([var.home.kms_key_arn, try(var.home.domain.certificate_arn, null)]) : try(split(":", arn)[3], "") == var.home_region
    ])
    error_message = "The home's KMS key and its domain's certificate must be of the home region; each is given by its ARN."
  }
}

variable "cells" {
  description = <<-EOT
    The cells by region, each with a WebSocket API, subscriptions and senders of its own; by default one in the home region.
    Their options, all optional: reserved and provisioned concurrency by function (authorizer, routes, sender, receipt),
    a domain for the viewers (certificate in that region; if cells share a name, viewers get the nearest cell), a
    KMS key in that region, a log line for each message, and deletion_protection where it differs from the deployment's.
    Switching provisioned concurrency on or off interrupts (docs/deploy.md, Before a big match).
  EOT
  type = map(object({
    reserved_concurrency    = optional(map(number), {})
    provisioned_concurrency = optional(map(number), {})
    domain = optional(object({
      name            = string
      certificate_arn = string
      zone_id         = optional(string)
    }))
    kms_key_arn         = optional(string)
    access_logs         = optional(bool, false)
    deletion_protection = optional(bool)
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for region, cell in var.cells : alltrue([
        for arn in compact([cell.kms_key_arn, try(cell.domain.certificate_arn, null)]) : try(split(":", arn)[3], "") == region
      ])
    ])
    error_message = "A cell's KMS key and its domain's certificate must be of the cell's own region; each is given by its ARN."
  }

  validation {
    condition     = alltrue([for region in keys(var.cells) : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", region))])
    error_message = "The keys of cells must be names of regions, such as eu-west-1."
  }
}

variable "tags" {
  description = "Tags of everything, beside application."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "architecture" {
  description = "The processor of the functions, arm64 or x86_64; it must be the one that the zip was built for."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "The architecture is arm64 or x86_64."
  }
}

variable "package" {
  description = "The zip of all functions; null: dist/lambda-ARCHITECTURE.zip as `make package` leaves it."
  type        = string
  default     = null

  validation {
    condition     = fileexists(coalesce(var.package, "${path.module}/../dist/lambda-${var.architecture}.zip"))
    error_message = "There is no zip of the functions: run `make package`, or say where it is."
  }
}

variable "deletion_protection" {
  description = "Whether tables refuse to be deleted, and the bucket of unhandled records while anything is in it."
  type        = bool
  default     = true
  nullable    = false
}

variable "point_in_time_recovery" {
  description = "Whether the tables can be restored to any second of the last 35 days."
  type        = bool
  default     = true
  nullable    = false
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.log_retention_days,
    )
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 … 3653 days."
  }
}

variable "state_machine_log_level" {
  description = "What the state machines log: ERROR for what failed, ALL for every step (a broadcast has few), FATAL, or OFF."
  type        = string
  default     = "ERROR"
  nullable    = false

  validation {
    condition     = contains(["OFF", "FATAL", "ERROR", "ALL"], var.state_machine_log_level)
    error_message = "The log level is OFF, FATAL, ERROR or ALL."
  }
}

variable "tracing" {
  description = "Whether functions and state machines send traces to X-Ray."
  type        = bool
  default     = true
  nullable    = false
}
