# One provider for all regions: from version 6 every resource of a region says which.
provider "aws" {
  region = var.home_region

  default_tags {
    tags = merge({ application = var.prefix }, var.tags)
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}
