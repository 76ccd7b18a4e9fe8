# Against MiniStack, the emulator, on this machine. `livescore up` needs none of this: it makes the same system by itself.
# Credentials come from the environment, and any will do: AWS_ACCESS_KEY_ID=000000000000 AWS_SECRET_ACCESS_KEY=devstack

terraform {
  required_version = "~> 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.69"
    }
  }
}

variable "endpoint" {
  description = "MiniStack's URL."
  type        = string
  default     = "http://127.0.0.1:4566"
}

variable "package" {
  description = "A zip built for this machine's processor and Python, whatever is said of the functions: MiniStack runs them here."
  type        = string
  default     = null
}

module "livescore" {
  source = "../.."

  endpoint     = var.endpoint
  home_region  = "us-east-1"
  package      = var.package
  architecture = "x86_64"
  tracing      = false

  settings = {
    # `livescore up` lets MiniStack's Cognito issue tokens. Here nobody issues tokens, so nobody can operate.
    issuer            = "https://issuer.example.org"
    jwks_url          = "https://issuer.example.org/.well-known/jwks.json"
    operator_audience = "operators"
    send_rate         = "2000"
    sender_rate       = "1000"
  }

  # MiniStack refuses a consumer as an event source.
  enhanced_fan_out       = false
  deletion_protection    = false
  point_in_time_recovery = false
  web                    = null
  observability          = null
}

output "http_url" {
  description = "AWS's name of it; MiniStack has it under /_aws/execute-api/<id>/$default."
  value       = module.livescore.http_url
}
