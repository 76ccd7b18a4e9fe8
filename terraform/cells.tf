# The cells: name, region and transport of each.
#
# A cell with the name of a region is in that region, and its resources have no suffix. So a deployment whose cells are named after
# their regions keeps every name and address.

locals {
  # The services that carry frames to viewers. With all but api-gateway the service itself tells every viewer of a channel.
  transports = keys(local.system.transports)

  cells = {
    for name in length(var.cells) > 0 ? keys(var.cells) : [var.home_region] : name => {
      region    = coalesce(try(var.cells[name].region, null), name)
      transport = try(var.cells[name].transport, "api-gateway")
      suffix    = name == coalesce(try(var.cells[name].region, null), name) ? "" : "-${name}"
      options   = lookup(var.cells, name, null)
      # Before a cell is removed, it loses its protection. The other cells and the ledger keep theirs.
      deletion_protection = coalesce(try(var.cells[name].deletion_protection, null), var.deletion_protection)
    }
  }

  cell_regions = sort(distinct([for cell in values(local.cells) : cell.region]))

  # By transport: the names of its cells.
  cells_of = {
    for transport in local.transports : transport => toset([for name, cell in local.cells : name if cell.transport == transport])
  }

  # The form of a region's name.
  region_form = "^[a-z]{2}(-[a-z]+)+-[0-9]$"

  # By transport: the longest name of a function or of the state machine.
  longest_part = {
    for transport, parts in local.cell : transport => [for part in concat(["broadcast"], keys(parts.functions)) : part if length(part) == max([for each in concat(["broadcast"], keys(parts.functions)) : length(each)]...)][0]
  }
}
