# The one description of the system, which devstack reads too, split into the parts of home and the parts of every cell.
locals {
  system = jsondecode(file("${path.module}/system.json"))

  home = {
    functions = { for name, function in local.system.functions : name => function if function["in"] == "home" }
    tables    = { for name, table in local.system.tables : name => table if table["in"] == "home" }
    queues    = { for name, queue in local.system.queues : name => queue if queue["in"] == "home" }
  }

  # By transport: the parts of a cell. A part without transports is in every cell.
  cell = {
    for transport in local.transports : transport => {
      functions = { for name, function in local.system.functions : name => function if function["in"] == "cell" && contains(try(function.transports, local.transports), transport) }
      tables    = { for name, table in local.system.tables : name => table if table["in"] == "cell" && contains(try(table.transports, local.transports), transport) }
      queues    = { for name, queue in local.system.queues : name => queue if queue["in"] == "cell" && contains(try(queue.transports, local.transports), transport) }
    }
  }

  # The values of references in system.json for every region; the modules add the URLs of their own queues and API.
  references = merge(
    {
      deployment  = var.prefix
      namespace   = var.prefix
      partition   = data.aws_partition.current.partition
      home_region = var.home_region
      stream      = "${var.prefix}-${local.system.stream.name}"
    },
    { for name in keys(local.system.tables) : "table.${name}" => "${var.prefix}-${name}" },
    { for name, value in local.settings : "setting.${name}" => value },
  )

  deployment = {
    prefix                  = var.prefix
    partition               = data.aws_partition.current.partition
    dns_suffix              = data.aws_partition.current.dns_suffix
    account_id              = data.aws_caller_identity.current.account_id
    package                 = coalesce(var.package, "${path.module}/../dist/lambda-${var.architecture}.zip")
    runtime                 = "python3.13"
    architecture            = var.architecture
    tracing                 = var.tracing
    log_retention_days      = var.log_retention_days
    state_machine_log_level = var.state_machine_log_level
    deletion_protection     = var.deletion_protection
    point_in_time_recovery  = var.point_in_time_recovery
  }

  kms_key_arns = distinct(compact(concat([var.home.kms_key_arn], [for cell in values(var.cells) : cell.kms_key_arn])))
}
