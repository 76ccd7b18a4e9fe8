# The event source puts records that grew too old on the stream into this bucket. Names of buckets are unique in the world.
resource "aws_s3_bucket" "unhandled" {
  region        = var.region
  bucket        = local.unhandled_name
  force_destroy = !var.deployment.deletion_protection
}

resource "aws_s3_bucket_public_access_block" "unhandled" {
  region                  = var.region
  bucket                  = aws_s3_bucket.unhandled.bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "unhandled" {
  region = var.region
  bucket = aws_s3_bucket.unhandled.bucket

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "unhandled" {
  region = var.region
  bucket = aws_s3_bucket.unhandled.bucket

  rule {
    bucket_key_enabled = var.kms_key_arn != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_versioning" "unhandled" {
  region = var.region
  bucket = aws_s3_bucket.unhandled.bucket

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "unhandled" {
  region = var.region
  bucket = aws_s3_bucket.unhandled.bucket

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    expiration {
      days = var.unhandled_retention_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 7
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.unhandled]
}

data "aws_iam_policy_document" "unhandled" {
  statement {
    sid     = "TlsOnly"
    effect  = "Deny"
    actions = ["s3:*"]
    # The second * stands for the objects of this one bucket.
    resources = [local.unhandled_arn, "${local.unhandled_arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "unhandled" {
  region = var.region
  bucket = aws_s3_bucket.unhandled.bucket
  policy = data.aws_iam_policy_document.unhandled.json

  depends_on = [aws_s3_bucket_public_access_block.unhandled]
}
