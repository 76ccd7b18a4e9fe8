# Two transports in one region: API Gateway, which counts each viewer, and AppSync Events, which tells a large audience at once. Each
# goal goes to both. A page or an app chooses one of the two cells in deployment.json.

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
  description = "Addresses that are told of alarms."
  type        = string
}

module "livescore" {
  source = "../.."

  prefix      = "livescore-two"
  home_region = "eu-west-1"
  tags        = { environment = "two-transports" }

  user_pool = { domain_prefix = var.sign_in_prefix }

  cells = {
    # A cell with the name of a region is in that region. Its transport is API Gateway unless it states another one.
    eu-west-1 = {}

    # The names of this cell's resources end in -events.
    events = {
      region    = "eu-west-1"
      transport = "appsync-events"
      # A match begins for everybody at once. The authorizer is asked at each connection and at each subscription.
      reserved_concurrency    = { events_authorizer = 200 }
      provisioned_concurrency = { events_authorizer = 20 }
    }

    # Another transport, with an account of Momento. The parameter is one that you make in Systems Manager of the home region.
    # fast = {
    #   region    = "eu-west-1"
    #   transport = "momento"
    #   momento = {
    #     url               = "https://api.cache.cell-1-eu-west-1-1.prod.a.momentohq.com"
    #     cache             = "livescore"
    #     api_key_parameter = "/livescore-two/momento"
    #   }
    # }
  }

  observability = { emails = [var.email] }
}

output "livescore" {
  description = "Addresses of everything."
  value = {
    http      = module.livescore.http_url
    cells     = { for name, cell in module.livescore.cells : name => cell.address }
    site      = module.livescore.site_url
    dashboard = module.livescore.dashboard
  }
}
