variable "cell" {
  description = <<-EOT
    A cell and what it shares with the others. deployment: what all parts of this deployment share; package is the path of the zip.
    suffix: the end of the names of the cell's resources, empty if the cell has the name of its region, else a hyphen and the cell's
    name. functions and tables: as system.json describes them; a value of an environment is the name of a reference. references: what
    references of system.json stand for wherever they are: settings, names of tables, the home region. home: what the cell reads and
    writes at home, the ARN of the matches table and its KMS key. options: differences from cell to cell; see cells of the root module,
    also for what switching provisioned concurrency interrupts.
  EOT
  type = object({
    deployment = object({
      prefix                  = string
      partition               = string
      dns_suffix              = string
      account_id              = string
      package                 = string
      runtime                 = string
      architecture            = string
      tracing                 = bool
      log_retention_days      = number
      state_machine_log_level = string
      point_in_time_recovery  = bool
    })
    region = string
    suffix = string
    functions = map(object({
      handler     = string
      memory      = number
      timeout     = number
      environment = map(string)
    }))
    tables = map(object({
      hash_key  = string
      range_key = string
      ttl       = string
      indexes = map(object({
        hash_key   = string
        range_key  = string
        projection = string
      }))
    }))
    references = map(string)
    home = object({
      matches_arn = string
      kms_key_arn = optional(string)
    })
    deletion_protection = bool
    options = object({
      reserved_concurrency    = optional(map(number), {})
      provisioned_concurrency = optional(map(number), {})
      kms_key_arn             = optional(string)
    })
  })
  nullable = false

  validation {
    condition     = length(setsubtract(concat(keys(var.cell.options.reserved_concurrency), keys(var.cell.options.provisioned_concurrency)), keys(var.cell.functions))) == 0
    error_message = "A cell of this transport has the functions: ${join(", ", keys(var.cell.functions))}. Concurrency is set for another."
  }
}

variable "policies" {
  description = "Policy documents (JSON) by function: what each may do besides writing its log and its traces."
  type        = map(list(string))
  nullable    = false
}
