resource "aws_kinesis_stream" "this" {
  region                    = var.region
  name                      = "${var.deployment.prefix}-${var.name}"
  shard_count               = var.shards
  retention_period          = var.retention_hours
  encryption_type           = "KMS"
  kms_key_id                = coalesce(var.kms_key_arn, "alias/aws/kinesis")
  enforce_consumer_deletion = true

  stream_mode_details {
    stream_mode = "PROVISIONED"
  }
}

# Records reach a registered consumer in about 70 ms; a poller asks each shard once a second.
resource "aws_kinesis_stream_consumer" "this" {
  count = var.consumer == null ? 0 : 1

  region     = var.region
  name       = "${var.deployment.prefix}-${var.consumer}"
  stream_arn = aws_kinesis_stream.this.arn
}
