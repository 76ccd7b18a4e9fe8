locals {
  state_machine_name = "${var.deployment.prefix}-broadcast${var.suffix}"
  # Put together from names, because the state machine starts itself: its role names it before it is made.
  state_machine_arn = "arn:${var.deployment.partition}:states:${var.region}:${var.deployment.account_id}:stateMachine:${local.state_machine_name}"

  substituted = merge(
    local.references,
    { for name in keys(var.functions) : "function.${name}" => module.function[name].target_arn },
  )
}

resource "aws_sfn_state_machine" "broadcast" {
  region   = var.region
  name     = local.state_machine_name
  type     = var.state_machine.type
  role_arn = aws_iam_role.state_machine.arn
  definition = templatefile(
    var.state_machine.definition,
    { for name, reference in var.state_machine.substitutions : name => local.substituted[reference] },
  )

  # An Express execution has no history, only this log.
  logging_configuration {
    level                  = var.deployment.state_machine_log_level
    include_execution_data = true
    log_destination        = "${aws_cloudwatch_log_group.state_machine.arn}:*"
  }

  tracing_configuration {
    enabled = var.deployment.tracing
  }

  dynamic "encryption_configuration" {
    for_each = var.options.kms_key_arn[*]
    content {
      type       = "CUSTOMER_MANAGED_KMS_KEY"
      kms_key_id = encryption_configuration.value
    }
  }

  depends_on = [aws_iam_role_policy.state_machine]
}

# With this name the log needs no statement in the account's resource policy, whose size is limited
# (https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html).
resource "aws_cloudwatch_log_group" "state_machine" {
  region            = var.region
  name              = "/aws/vendedlogs/states/${local.state_machine_name}"
  retention_in_days = var.deployment.log_retention_days
  kms_key_id        = var.options.kms_key_arn
}

resource "aws_iam_role" "state_machine" {
  name               = "${local.state_machine_name}-${var.region}"
  description        = "What the state machine ${local.state_machine_name} in ${var.region} may do."
  assume_role_policy = data.aws_iam_policy_document.state_machine_assume.json
}

data "aws_iam_policy_document" "state_machine_assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["states.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.state_machine_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.deployment.account_id]
    }
  }
}

resource "aws_iam_role_policy" "state_machine" {
  name   = local.state_machine_name
  role   = aws_iam_role.state_machine.name
  policy = data.aws_iam_policy_document.state_machine.json
}

data "aws_iam_policy_document" "state_machine" {
  statement {
    sid       = "Lease"
    actions   = ["dynamodb:UpdateItem"]
    resources = [local.broadcasts]
  }

  statement {
    sid       = "Send"
    actions   = ["lambda:InvokeFunction"]
    resources = [module.function["sender"].target_arn, module.function["receipt"].target_arn]
  }

  statement {
    sid       = "SetAside"
    actions   = ["sqs:SendMessage"]
    resources = [module.queues.arns["set-aside-batches"]]
  }

  statement {
    sid       = "HandOver"
    actions   = ["states:StartExecution"]
    resources = [local.state_machine_arn]
  }

  statement {
    sid = "Log"
    actions = [
      "logs:CreateLogDelivery",
      "logs:GetLogDelivery",
      "logs:UpdateLogDelivery",
      "logs:DeleteLogDelivery",
      "logs:ListLogDeliveries",
      "logs:PutResourcePolicy",
      "logs:DescribeResourcePolicies",
      "logs:DescribeLogGroups",
    ]
    # Log delivery belongs to the account: these actions know no single resource
    # (https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html).
    resources = ["*"]
  }

  dynamic "statement" {
    for_each = var.deployment.tracing ? [1] : []
    content {
      sid = "Trace"
      actions = [
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
      ]
      # X-Ray has no resource that these could name
      # (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html).
      resources = ["*"]
    }
  }

  dynamic "statement" {
    for_each = var.options.kms_key_arn[*]
    content {
      sid       = "Key"
      actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }
}
