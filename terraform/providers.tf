# One provider for all regions: since version 6 every regional resource names its region.
provider "aws" {
  region = var.home_region

  # An emulator has one URL for everything, and no names of its own for buckets.
  s3_use_path_style           = var.endpoint != null
  skip_credentials_validation = var.endpoint != null
  skip_metadata_api_check     = var.endpoint == null ? null : "true"

  dynamic "endpoints" {
    for_each = var.endpoint[*]
    content {
      apigatewayv2   = endpoints.value
      cloudwatch     = endpoints.value
      cloudwatchlogs = endpoints.value
      cognitoidp     = endpoints.value
      dynamodb       = endpoints.value
      iam            = endpoints.value
      kinesis        = endpoints.value
      lambda         = endpoints.value
      s3             = endpoints.value
      sfn            = endpoints.value
      sns            = endpoints.value
      sqs            = endpoints.value
      sts            = endpoints.value
    }
  }

  default_tags {
    tags = merge({ application = var.prefix }, var.tags)
  }
}

variable "endpoint" {
  description = "The URL of an emulator of AWS, such as MiniStack's; null is AWS itself."
  type        = string
  default     = null

  validation {
    condition     = var.endpoint == null ? true : can(regex("^https?://[^/]+$", var.endpoint))
    error_message = "The endpoint is a URL without a path, such as http://127.0.0.1:4566."
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}
