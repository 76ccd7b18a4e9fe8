# The cells whose service tells every viewer of a channel by itself. Each has the table broadcasts and, if AWS has the service, the
# function that decides who may hear what.

module "cell_appsync_events" {
  source   = "./modules/cell_appsync_events"
  for_each = local.cells_of["appsync-events"]

  deployment          = local.deployment
  region              = local.cells[each.key].region
  suffix              = local.cells[each.key].suffix
  functions           = local.cell["appsync-events"].functions
  tables              = local.cell["appsync-events"].tables
  references          = local.references
  home                = local.seen_by_cells
  options             = local.cells[each.key].options
  deletion_protection = local.cells[each.key].deletion_protection
}

module "cell_appsync_graphql" {
  source   = "./modules/cell_appsync_graphql"
  for_each = local.cells_of["appsync-graphql"]

  deployment          = local.deployment
  region              = local.cells[each.key].region
  suffix              = local.cells[each.key].suffix
  functions           = local.cell["appsync-graphql"].functions
  tables              = local.cell["appsync-graphql"].tables
  references          = local.references
  home                = local.seen_by_cells
  schema_directory    = "${path.module}/graphql"
  options             = local.cells[each.key].options
  deletion_protection = local.cells[each.key].deletion_protection
}

module "cell_iot_core" {
  source   = "./modules/cell_iot_core"
  for_each = local.cells_of["iot-core"]

  deployment          = local.deployment
  region              = local.cells[each.key].region
  suffix              = local.cells[each.key].suffix
  functions           = local.cell["iot-core"].functions
  rules               = local.system.iot_rules
  tables              = local.cell["iot-core"].tables
  references          = local.references
  home                = local.seen_by_cells
  options             = local.cells[each.key].options
  deletion_protection = local.cells[each.key].deletion_protection
}

module "cell_momento" {
  source   = "./modules/cell_momento"
  for_each = local.cells_of["momento"]

  deployment          = local.deployment
  region              = local.cells[each.key].region
  suffix              = local.cells[each.key].suffix
  functions           = local.cell["momento"].functions
  tables              = local.cell["momento"].tables
  references          = local.references
  home                = local.seen_by_cells
  home_region         = var.home_region
  momento             = local.cells[each.key].options.momento
  options             = local.cells[each.key].options
  deletion_protection = local.cells[each.key].deletion_protection
}

locals {
  broadcasting_cells = merge(module.cell_appsync_events, module.cell_appsync_graphql, module.cell_iot_core, module.cell_momento)
}
