# A small deployment to try everything: one region, and no protection, so `terraform destroy` deletes it.
# While nobody watches, you pay for the stream's shards and the consumer.

terraform {
  required_version = "~> 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.69"
    }
  }
}

variable "sign_in_prefix" {
  description = "Beginning of the name of the operators' sign-in page; nobody else in the region may have it."
  type        = string
}

variable "email" {
  description = "Addresses that are told of alarms and of the budget."
  type        = string
}

module "livescore" {
  source = "../.."

  prefix      = "livescore-try"
  home_region = "eu-west-1"
  tags        = { environment = "try" }

  user_pool = { domain_prefix = var.sign_in_prefix }

  settings = {
    # A tenth of the account's default throttle, because other programs in the account may need the rest.
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
  description = "Addresses of everything."
  value = {
    http       = module.livescore.http_url
    websockets = module.livescore.websocket_urls
    site       = module.livescore.site_url
    dashboard  = module.livescore.dashboard
    user_pool  = module.livescore.user_pool
  }
}
