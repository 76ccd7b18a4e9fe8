# The log of one API of AppSync, and the role with which AppSync writes it.
#
# The API names the role, so the role is made first and trusts AppSync for every API of this account and region. The role's policy
# is made after the API, and names only the log of this API.

locals {
  # AppSync chooses this name (https://docs.aws.amazon.com/appsync/latest/devguide/monitoring.html).
  log_group = "/aws/appsync/apis/${var.api_id}"
  name      = "${var.deployment.prefix}-${var.name}"
}

resource "aws_cloudwatch_log_group" "this" {
  region            = var.region
  name              = local.log_group
  retention_in_days = var.deployment.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_iam_role" "this" {
  name               = "${local.name}-${var.region}"
  description        = "AppSync writes the log of the API ${local.name} in ${var.region}."
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["appsync.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.deployment.account_id]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      # The * stands for the API's id, which AppSync chooses later.
      values = ["arn:${var.deployment.partition}:appsync:${var.region}:${var.deployment.account_id}:apis/*"]
    }
  }
}

resource "aws_iam_role_policy" "this" {
  name   = local.name
  role   = aws_iam_role.this.name
  policy = data.aws_iam_policy_document.this.json
}

data "aws_iam_policy_document" "this" {
  statement {
    sid     = "Log"
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    # The * stands for the streams of this one group, whose names AppSync chooses.
    resources = ["arn:${var.deployment.partition}:logs:${var.region}:${var.deployment.account_id}:log-group:${local.log_group}:*"]
  }
}
