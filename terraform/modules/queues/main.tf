locals {
  names = { for name in keys(var.queues) : name => "${var.deployment.prefix}-${name}${var.suffix}" }
  arns  = { for name, full in local.names : name => "arn:${var.deployment.partition}:sqs:${var.region}:${var.deployment.account_id}:${full}" }

  with_dead_letter = { for name, queue in var.queues : name => queue if queue.dead_letter != null }
}

resource "aws_sqs_queue" "this" {
  for_each = var.queues

  region                     = var.region
  name                       = local.names[each.key]
  visibility_timeout_seconds = each.value.visibility_timeout
  message_retention_seconds  = each.value.retention
  kms_master_key_id          = var.kms_key_arn
  sqs_managed_sse_enabled    = var.kms_key_arn == null ? true : null
}

# Redrive policies are resources of their own, because one for_each makes all queues and SQS refuses a dead-letter queue that does
# not exist yet.
resource "aws_sqs_queue_redrive_policy" "this" {
  for_each = local.with_dead_letter

  region    = var.region
  queue_url = aws_sqs_queue.this[each.key].id
  redrive_policy = jsonencode({
    deadLetterTargetArn = local.arns[each.value.dead_letter]
    maxReceiveCount     = each.value.max_receives
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "this" {
  for_each = toset([for queue in values(local.with_dead_letter) : queue.dead_letter])

  region    = var.region
  queue_url = aws_sqs_queue.this[each.key].id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [for name, queue in local.with_dead_letter : local.arns[name] if queue.dead_letter == each.key]
  })
}

data "aws_iam_policy_document" "tls_only" {
  for_each = var.queues

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [local.arns[each.key]]

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

resource "aws_sqs_queue_policy" "tls_only" {
  for_each = var.queues

  region    = var.region
  queue_url = aws_sqs_queue.this[each.key].id
  policy    = data.aws_iam_policy_document.tls_only[each.key].json
}
