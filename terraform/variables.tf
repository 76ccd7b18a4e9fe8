variable "prefix" {
  description = "The deployment's name: the beginning of all names of resources, and the first segment of the channels of cells that broadcast. A second deployment in the same account and region needs another prefix."
  type        = string
  default     = "livescore"
  nullable    = false

  validation {
    # Roles have the longest names: prefix, function, region, in 64 characters. A namespace of AppSync has 1 to 50 letters, digits
    # and dashes (https://docs.aws.amazon.com/appsync/latest/APIReference/API_ChannelNamespace.html).
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
    The cells by name; by default one in the home region. All options are optional: the region, which a cell with the name of a region
    need not state; the transport, which is the service that carries frames to the cell's viewers (docs/choosing.md); reserved and
    provisioned concurrency by function; a domain for the viewers (certificate in that region; if cells share a domain, viewers get
    the nearest cell); a KMS key in that region; a log line for each message; deletion_protection where it differs from the
    deployment's; and for the transport momento the URL, the cache and the parameter of Systems Manager with the API key.
    Switching provisioned concurrency on or off interrupts (docs/deploy.md, Before a big match).
  EOT
  type = map(object({
    region                  = optional(string)
    transport               = optional(string, "api-gateway")
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
    momento = optional(object({
      url               = string
      cache             = string
      api_key_parameter = string
    }))
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for name, cell in var.cells : alltrue([
        for arn in compact([cell.kms_key_arn, try(cell.domain.certificate_arn, null)]) : try(split(":", arn)[3], "") == coalesce(cell.region, name)
      ])
    ])
    error_message = "A cell's KMS key and its domain's certificate must be of the cell's own region; each is given by its ARN."
  }

  validation {
    condition     = alltrue([for name in keys(var.cells) : can(regex("^[a-z][a-z0-9-]{0,20}[a-z0-9]$", name))])
    error_message = "The name of a cell is 2 to 22 small letters, digits and hyphens; it begins with a letter and does not end with a hyphen."
  }

  validation {
    condition     = alltrue([for name, cell in var.cells : can(regex(local.region_form, coalesce(cell.region, name)))])
    error_message = "These cells need a region, such as region = \"eu-west-1\": ${join(", ", [for name, cell in var.cells : name if !can(regex(local.region_form, coalesce(cell.region, name)))])}. Only a cell with the name of a region may leave it out."
  }

  validation {
    condition     = alltrue([for name, cell in var.cells : coalesce(cell.region, name) == name || !can(regex(local.region_form, name))])
    error_message = "A cell with the name of a region must be in it. Give the cell another name, or leave its region out."
  }

  validation {
    condition     = alltrue([for cell in values(var.cells) : contains(local.transports, cell.transport)])
    error_message = "There is no transport ${join(", ", setsubtract(values(var.cells)[*].transport, local.transports))}. The transports are: ${join(", ", local.transports)}."
  }

  # Topics of IoT Core are the account's in each region: the viewers of two cells there would hear each frame twice.
  validation {
    condition     = length(distinct([for name, cell in var.cells : coalesce(cell.region, name) if cell.transport == "iot-core"])) == length([for cell in values(var.cells) : cell if cell.transport == "iot-core"])
    error_message = "A region can have one cell of the transport iot-core, because all clients of IoT Core in a region share their topics."
  }

  validation {
    condition     = alltrue([for cell in values(var.cells) : cell.momento == null || can(regex("^https://[a-z0-9.-]+$", cell.momento.url))])
    error_message = "momento.url is https:// and a host, without a path, such as https://api.cache.cell-4-us-west-2-1.prod.a.momentohq.com."
  }

  validation {
    condition     = alltrue([for cell in values(var.cells) : (cell.momento != null) == (cell.transport == "momento")])
    error_message = "A cell of the transport momento needs momento = { url, cache, api_key_parameter }, and no other cell may have it."
  }

  validation {
    condition     = alltrue([for cell in values(var.cells) : cell.transport == "api-gateway" || (cell.domain == null && !cell.access_logs)])
    error_message = "Only a cell of the transport api-gateway can have a domain or access_logs."
  }

  # A role's name has at most 64 characters: prefix, function, cell, region.
  validation {
    condition = alltrue([
      for name, cell in var.cells : coalesce(cell.region, name) == name || length("${var.prefix}-${lookup(local.longest_part, cell.transport, "")}-${name}-${coalesce(cell.region, name)}") <= 64
    ])
    error_message = "IAM allows 64 characters in the name of a role, and the name of a role has the prefix, the function, the cell's name and its region. Shorten the prefix or the names of cells."
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
  description = "Days for which logs are kept."
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
  description = "Log level of the state machines: ERROR for what failed, ALL for every step (a broadcast has few), FATAL, or OFF."
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
