terraform {
  # 1.11 is the first whose S3 backend locks the state with a file of its own (backend.tf.example).
  required_version = "~> 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.69"
    }
  }
}
