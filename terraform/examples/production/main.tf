# A big match: two cells, their own domain names, raised quotas, and an engineer on call.
# docs/deploy.md has the arithmetic for the figures here; they are for a million viewers.

terraform {
  required_version = "~> 1.11"

  # terraform init -backend-config=bucket=… -backend-config=region=…
  backend "s3" {
    key          = "livescore/production.tfstate"
    encrypt      = true
    use_lockfile = true
  }

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.69"
    }
  }
}

variable "issuer" {
  description = "Issuer of the tokens, as in their claim iss."
  type        = string
}

variable "jwks_url" {
  description = "Address of the issuer's keys."
  type        = string
}

variable "audiences" {
  description = "Audiences of viewers' and operators' tokens, separated by commas."
  type        = object({ viewers = string, operators = string })
}

variable "certificates" {
  description = "ARNs of certificates for the names: http (home), site (us-east-1), and one per region of a cell for the viewers."
  type        = object({ http = string, site = string, viewers = map(string) })
}

variable "zone_id" {
  description = "The Route 53 zone that the names are in."
  type        = string
}

variable "domain" {
  description = "The zone's name, such as livescore.example.org."
  type        = string
}

variable "emails" {
  description = "Addresses of the people on call."
  type        = list(string)
}

locals {
  home  = "eu-west-1"
  cells = ["eu-west-1", "us-east-1"]
}

module "livescore" {
  source = "../.."

  prefix      = "livescore"
  home_region = local.home
  tags        = { environment = "production" }

  home = {
    # Numbering must never wait for other functions of the account.
    reserved_concurrency = { fanout = 50, watchdog = 10 }
    domain               = { name = "api.${var.domain}", certificate_arn = var.certificates.http, zone_id = var.zone_id }
  }

  cells = {
    for region in local.cells : region => {
      # A goal needs all senders of the send rate at once.
      reserved_concurrency    = { sender = 100, receipt = 20, authorizer = 200, routes = 400 }
      provisioned_concurrency = { sender = 8, authorizer = 20, routes = 40 }
      domain                  = { name = "live.${var.domain}", certificate_arn = var.certificates.viewers[region], zone_id = var.zone_id }
    }
  }

  settings = {
    issuer            = var.issuer
    jwks_url          = var.jwks_url
    viewer_audience   = var.audiences.viewers
    operator_audience = var.audiences.operators
    origins           = "https://www.${var.domain}"
    send_rate         = "7500"
  }

  stream_shards          = 4
  stream_retention_hours = 168
  log_retention_days     = 90

  web = {
    domain = { name = "www.${var.domain}", certificate_arn = var.certificates.site, zone_id = var.zone_id }
  }

  observability = {
    emails         = var.emails
    monthly_budget = 5000
    # Half a million viewers in each cell at 7,500 a second take 67 seconds.
    goal_to_gateway_ms     = 75000
    connections_per_second = 500
    concurrency_quota      = 3000
  }
}

output "livescore" {
  description = "Addresses of everything."
  value = {
    http       = module.livescore.http_url
    websockets = module.livescore.websocket_urls
    site       = module.livescore.site_url
    dashboard  = module.livescore.dashboard
    topics     = module.livescore.alarm_topics
  }
}
