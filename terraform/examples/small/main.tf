# A small deployment to try everything with: one region, no protection of what it holds, gone with `terraform destroy`.
# What it costs while nobody watches: the stream's shards, and its consumer's.

terraform {
  required_version = "~> 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.69"
    }
  }
}

variable "issuer" {
  description = "Who issues operators' tokens, such as https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abcdefghi"
  type        = string
}

variable "operator_audience" {
  description = "Whom operators' tokens are for: of Cognito, the id of the app client."
  type        = string
}

variable "email" {
  description = "Who is told of alarms and of the budget."
  type        = string
}

module "livescore" {
  source = "../.."

  prefix      = "livescore-try"
  home_region = "eu-west-1"
  tags        = { environment = "try" }

  settings = {
    issuer            = var.issuer
    jwks_url          = "${var.issuer}/.well-known/jwks.json"
    operator_audience = var.operator_audience
    # A tenth of the account's default throttle: the rest of the account may need it.
    send_rate   = "1000"
    sender_rate = "1000"
  }

  stream_shards          = 1
  log_retention_days     = 7
  deletion_protection    = false
  point_in_time_recovery = false
  web                    = { price_class = "PriceClass_100" }
  observability          = { emails = [var.email], monthly_budget = 50 }
}

output "livescore" {
  description = "Where everything is."
  value = {
    http       = module.livescore.http_url
    websockets = module.livescore.websocket_urls
    site       = module.livescore.site_url
    dashboard  = module.livescore.dashboard
  }
}
