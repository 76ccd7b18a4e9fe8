# Roles belong to the account, not to a region, so their names contain the region.
resource "aws_iam_role" "this" {
  name               = "${local.name}-${var.region}"
  description        = "What the function ${local.name} in ${var.region} may do."
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "this" {
  name   = local.name
  role   = aws_iam_role.this.name
  policy = data.aws_iam_policy_document.this.json
}

# The document has names, not references to resources of this module. Terraform would read a document with such references only
# at apply, and a plan would not show it.
data "aws_iam_policy_document" "this" {
  source_policy_documents = var.policies

  statement {
    sid     = "Log"
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    # The * stands for the streams of this one group, whose names Lambda chooses.
    resources = ["arn:${var.deployment.partition}:logs:${var.region}:${var.deployment.account_id}:log-group:${local.log_group}:*"]
  }

  dynamic "statement" {
    for_each = var.deployment.tracing ? [1] : []
    content {
      sid     = "Trace"
      actions = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
      # X-Ray has no resource that these two could name
      # (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html).
      resources = ["*"]
    }
  }

  dynamic "statement" {
    for_each = length(var.kms_key_arns) > 0 ? [1] : []
    content {
      sid       = "Keys"
      actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
      resources = distinct(var.kms_key_arns)
    }
  }
}
