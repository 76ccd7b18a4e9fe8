module "ledger" {
  source = "./modules/table"

  deployment          = local.deployment
  region              = var.home_region
  name                = "matches"
  table               = local.home.tables["matches"]
  deletion_protection = var.deletion_protection
  kms_key_arn         = var.home.kms_key_arn
}

module "stream" {
  source = "./modules/stream"

  deployment      = local.deployment
  region          = var.home_region
  name            = local.system.stream.name
  shards          = coalesce(var.stream_shards, local.system.stream.shards)
  retention_hours = var.stream_retention_hours
  consumer        = var.enhanced_fan_out ? "fanout" : null
  kms_key_arn     = var.home.kms_key_arn
}

module "cell" {
  source   = "./modules/cell"
  for_each = local.cells_of["api-gateway"]

  deployment = local.deployment
  region     = local.cells[each.key].region
  suffix     = local.cells[each.key].suffix
  functions  = local.cell["api-gateway"].functions
  tables     = local.cell["api-gateway"].tables
  queues     = local.cell["api-gateway"].queues
  api = merge(local.system.websocket_api, {
    throttles        = local.websocket_throttles[each.key]
    default_throttle = { for limit, reference in local.system.websocket_api.default_throttle : limit => local.account[local.cells[each.key].region][reference] }
  })
  state_machine = merge(
    local.system.state_machine,
    { definition = "${path.module}/../${local.system.state_machine.definition}" },
  )
  references = local.references
  home       = local.seen_by_cells
  options    = local.cells[each.key].options

  deletion_protection = local.cells[each.key].deletion_protection
}

locals {
  # The ledger, which the functions of a cell read and write at home.
  seen_by_cells = { matches_arn = module.ledger.arn, kms_key_arn = var.home.kms_key_arn }

  cell_resources = {
    matches_arn        = module.ledger.arn
    stream_arn         = module.stream.arn
    broadcasts_arns    = [for name, cell in merge(module.cell, local.broadcasting_cells) : cell.tables["broadcasts"].arn]
    state_machine_arns = [for cell in values(module.cell) : cell.state_machine_arn]
    subscriptions_arns = [for cell in values(module.cell) : cell.tables["subscriptions"].arn]
    connections_arns   = [for cell in values(module.cell) : cell.connections_arn]
    # Action of IAM = resources: what publishes in the cells whose service tells the viewers.
    publish = {
      for action in distinct(flatten([for cell in values(local.broadcasting_cells) : keys(cell.publish)])) :
      action => distinct(flatten([for cell in values(local.broadcasting_cells) : lookup(cell.publish, action, [])]))
    }
  }

  # The value of CELLS: what the functions at home need of each cell. system.json says which texts each transport needs.
  cell_texts = {
    for name, cell in merge(module.cell, local.broadcasting_cells) : name => merge(
      { region = local.cells[name].region, transport = local.cells[name].transport, suffix = local.cells[name].suffix },
      { for text, reference in local.system.transports[local.cells[name].transport].texts : text => cell.references[reference] },
    )
  }

  home_references = merge(
    local.references,
    { cells = jsonencode(local.cell_texts) },
  )
}

module "operators_api" {
  source = "./modules/operators_api"

  deployment = local.deployment
  region     = var.home_region
  function   = merge(local.home.functions[local.system.http_api.function], { name = local.system.http_api.function })
  api = {
    routes           = local.system.http_api.routes
    throttles        = local.http_throttles
    default_throttle = { for limit, reference in local.system.http_api.default_throttle : limit => local.account[var.home_region][reference] }
    authorizer = {
      issuer   = local.references[local.system.http_api.authorizer.issuer]
      audience = local.references[local.system.http_api.authorizer.audience]
      scope    = local.references[local.system.http_api.authorizer.scope]
      routes   = local.system.http_api.authorizer.routes
      scopes   = { for route, reference in local.system.http_api.authorizer.scopes : route => local.references[reference] }
    }
  }
  references              = local.home_references
  site_keys               = local.site_keys
  resources               = local.cell_resources
  kms_key_arn             = var.home.kms_key_arn
  kms_key_arns            = local.kms_key_arns
  reserved_concurrency    = lookup(var.home.reserved_concurrency, local.system.http_api.function, null)
  provisioned_concurrency = lookup(var.home.provisioned_concurrency, local.system.http_api.function, 0)
  cors_origins            = var.cors_origins
  domain                  = var.home.domain
}

module "fanout" {
  source = "./modules/fanout"

  deployment               = local.deployment
  region                   = var.home_region
  functions                = { for name, function in local.home.functions : name => function if contains(keys(local.system.event_sources), name) }
  event_sources            = local.system.event_sources
  queues                   = local.home.queues
  references               = local.home_references
  resources                = local.cell_resources
  enhanced_fan_out         = var.enhanced_fan_out
  parallelization_factor   = var.parallelization_factor
  unhandled_retention_days = var.unhandled_retention_days
  reserved_concurrency     = var.home.reserved_concurrency
  provisioned_concurrency  = var.home.provisioned_concurrency
  kms_key_arn              = var.home.kms_key_arn
  kms_key_arns             = local.kms_key_arns

  stream = {
    arn               = module.stream.arn
    consumer_arn      = module.stream.consumer_arn
    retention_seconds = module.stream.retention_seconds
  }
}
