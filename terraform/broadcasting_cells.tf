# The cells whose service tells every viewer of a channel by itself. Each has the table broadcasts and, if AWS has the service, the
# function that decides who may hear what.

module "cell_appsync_events" {
  source   = "./modules/cell_appsync_events"
  for_each = local.cells_of["appsync-events"]

  cell = local.broadcasting[each.key]
}

module "cell_appsync_graphql" {
  source   = "./modules/cell_appsync_graphql"
  for_each = local.cells_of["appsync-graphql"]

  cell             = local.broadcasting[each.key]
  schema_directory = "${path.module}/graphql"
}

module "cell_iot_core" {
  source   = "./modules/cell_iot_core"
  for_each = local.cells_of["iot-core"]

  cell  = local.broadcasting[each.key]
  rules = local.system.iot_rules
}

module "cell_momento" {
  source   = "./modules/cell_momento"
  for_each = local.cells_of["momento"]

  cell    = local.broadcasting[each.key]
  momento = local.cells[each.key].options.momento
}

locals {
  # The variable `cell` of each of these cells, by its name (modules/cell_parts).
  broadcasting = {
    for name, cell in local.cells : name => {
      deployment          = local.deployment
      region              = cell.region
      suffix              = cell.suffix
      functions           = local.cell[cell.transport].functions
      tables              = local.cell[cell.transport].tables
      references          = local.references
      home                = local.seen_by_cells
      options             = cell.options
      deletion_protection = cell.deletion_protection
    } if cell.transport != "api-gateway"
  }

  broadcasting_cells = merge(module.cell_appsync_events, module.cell_appsync_graphql, module.cell_iot_core, module.cell_momento)
}
