# The account's quota of requests in each region, and the part of it that each route may use.
#
# API Gateway counts everything together: both APIs, messages of viewers, and the senders' POSTs to connections. So the throttles
# of all routes and send_rate stay within the quota. Then no route can use up the requests that a goal needs.
# The stage's default throttle is the quota itself. No documentation says whether POSTs to connections count against the default,
# so it must never be the smallest limit.
locals {
  quotas = jsondecode(file("${path.module}/quotas_and_prices.json")).quotas

  # By region: 10,000 a second, 2,500 in the small regions, or the settings account_rate and account_burst for all regions.
  account = {
    for region in distinct(concat([var.home_region], local.cell_regions)) : region => {
      "setting.account_rate" = tonumber(lookup(
        var.settings, "account_rate",
        contains(local.quotas.requests.small_regions.regions, region) ? local.quotas.requests.small_regions.default : local.system.settings.account_rate.default,
      ))
      "setting.account_burst" = tonumber(lookup(
        var.settings, "account_burst",
        contains(local.quotas.requests.small_regions.regions, region) ? local.quotas.requests.small_regions.burst : local.system.settings.account_burst.default,
      ))
    }
  }

  # With a smaller quota every throttle is smaller in proportion. With a larger one the throttles are those of system.json.
  throttle_share = {
    for region, account in local.account : region => min(1, account["setting.account_rate"] / local.system.settings.account_rate.default)
  }

  usual_http_throttles = merge(
    { for route, throttle in local.system.http_api.throttles : route => {
      rate  = max(1, floor(throttle.rate * local.throttle_share[var.home_region]))
      burst = max(1, floor(throttle.burst * local.throttle_share[var.home_region]))
    } },
    var.http_throttles,
  )

  # Each viewer of Momento asks one route for a token before it can listen. So with such a cell this route also gets the requests
  # that the other routes and the senders of the home region leave, up to the rate of spare_throttle.
  spare_throttle = local.system.http_api.spare_throttle
  spare_rate = max(0, floor(
    local.account[var.home_region]["setting.account_rate"] - sum(values(local.usual_http_throttles)[*].rate) - local.websocket_rate[var.home_region] -
    tonumber(local.settings.send_rate) * length(local.websocket_throttles_in[var.home_region])
  ))
  raised_throttle = {
    rate  = max(local.usual_http_throttles[local.spare_throttle.route].rate, min(local.spare_throttle.rate, local.usual_http_throttles[local.spare_throttle.route].rate + local.spare_rate))
    burst = local.usual_http_throttles[local.spare_throttle.route].burst
  }

  http_throttles = merge(
    local.usual_http_throttles,
    length(local.cells_of[local.spare_throttle.transport]) > 0 ? { (local.spare_throttle.route) = local.raised_throttle } : {},
    var.http_throttles,
  )

  # API Gateway does not repeat a $disconnect that the throttle refuses, and the row of that connection stays. So a raised
  # throttle of $connect raises that of $disconnect (docs/send-budget.md, The account's quota is divided once).
  websocket_throttles = {
    for name in local.cells_of["api-gateway"] : name => merge(
      { for route, throttle in local.system.websocket_api.throttles : route => {
        rate  = max(1, floor(throttle.rate * local.throttle_share[local.cells[name].region]), route == "$disconnect" ? try(var.websocket_throttles["$connect"].rate, 0) : 0)
        burst = max(1, floor(throttle.burst * local.throttle_share[local.cells[name].region]), route == "$disconnect" ? try(var.websocket_throttles["$connect"].burst, 0) : 0)
      } },
      var.websocket_throttles,
    )
  }

  # The throttles of each WebSocket API of a region: the account's quota is for all of them together.
  websocket_throttles_in = {
    for region in keys(local.account) : region => [for name, throttles in local.websocket_throttles : throttles if local.cells[name].region == region]
  }

  websocket_rate = {
    for region in keys(local.account) : region => sum(concat([0], flatten([for throttles in local.websocket_throttles_in[region] : values(throttles)[*].rate])))
  }

  # Requests a second that the routes of a region may take together.
  routes_rate = {
    for region in keys(local.account) : region => (region == var.home_region ? sum(values(local.http_throttles)[*].rate) : 0) + local.websocket_rate[region]
  }

  # The rest of the quota, in equal parts for the senders of each cell in the region whose transport is api-gateway.
  left_for_senders = {
    for region, throttles in local.websocket_throttles_in : region => floor((local.account[region]["setting.account_rate"] - local.routes_rate[region]) / length(throttles))
    if length(throttles) > 0
  }
}

output "quotas" {
  description = "By region: the account's quota of requests a second and its burst, what the routes may take, and what is left for the senders of each cell."

  precondition {
    condition     = alltrue([for left in values(local.left_for_senders) : tonumber(local.settings.send_rate) <= left])
    error_message = <<-EOT
      send_rate ${local.settings.send_rate} and the throttles of the routes exceed the account's quota of requests a second. Left for send_rate: ${join(", ", [for region, left in local.left_for_senders : "${left} in ${region}"])}. Lower send_rate or the throttles, or raise the quota (livescore preflight says how) and then set account_rate and account_burst.
    EOT
  }

  precondition {
    condition = alltrue([
      for region, account in local.account : local.routes_rate[region] <= account["setting.account_rate"] && alltrue([
        for throttle in concat(region == var.home_region ? values(local.http_throttles) : [], flatten([for throttles in local.websocket_throttles_in[region] : values(throttles)])) :
        throttle.burst <= account["setting.account_burst"]
      ])
    ])
    error_message = "Throttles of routes exceed the account's quota: API Gateway refuses a route's throttle above the account's. See account_rate and account_burst."
  }

  precondition {
    condition = alltrue([
      for throttles in values(local.websocket_throttles) :
      throttles["$disconnect"].rate >= throttles["$connect"].rate && throttles["$disconnect"].burst >= throttles["$connect"].burst
    ])
    error_message = "websocket_throttles throttles $disconnect below $connect: viewers would come faster than they may leave, and the rows of those who left would stay. Raise $disconnect, or leave it out."
  }

  value = {
    for region, account in local.account : region => {
      rate        = account["setting.account_rate"]
      burst       = account["setting.account_burst"]
      routes      = local.routes_rate[region]
      for_senders = lookup(local.left_for_senders, region, null)
    }
  }
}
