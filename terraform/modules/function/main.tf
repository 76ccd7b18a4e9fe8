locals {
  name      = "${var.deployment.prefix}-${var.name}"
  log_group = "/aws/lambda/${local.name}"
  arn       = "arn:${var.deployment.partition}:lambda:${var.region}:${var.deployment.account_id}:function:${aws_lambda_function.this.function_name}"

  provisioned = var.provisioned_concurrency > 0
  target_arn  = local.provisioned ? "${local.arn}:${aws_lambda_alias.live[0].name}" : local.arn
}

resource "aws_cloudwatch_log_group" "this" {
  region            = var.region
  name              = local.log_group
  retention_in_days = var.deployment.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_lambda_function" "this" {
  region                         = var.region
  function_name                  = local.name
  role                           = aws_iam_role.this.arn
  runtime                        = var.deployment.runtime
  architectures                  = [var.deployment.architecture]
  handler                        = var.function.handler
  memory_size                    = var.function.memory
  timeout                        = var.function.timeout
  filename                       = var.deployment.package
  source_code_hash               = filebase64sha256(var.deployment.package)
  publish                        = local.provisioned
  kms_key_arn                    = var.kms_key_arn
  reserved_concurrent_executions = coalesce(var.reserved_concurrency, -1)

  environment {
    variables = var.environment
  }

  # Powertools writes JSON itself.
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  tracing_config {
    mode = var.deployment.tracing ? "Active" : "PassThrough"
  }

  # AWS refuses an event source whose role may not yet read the stream or queue.
  depends_on = [aws_iam_role_policy.this]
}

# Provisioned concurrency belongs to a version or an alias, never to $LATEST
# (https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html).
resource "aws_lambda_alias" "live" {
  count = local.provisioned ? 1 : 0

  region           = var.region
  name             = "live"
  description      = "The version that callers call."
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version
}

resource "aws_lambda_provisioned_concurrency_config" "live" {
  count = local.provisioned ? 1 : 0

  region                            = var.region
  function_name                     = aws_lambda_function.this.function_name
  qualifier                         = aws_lambda_alias.live[0].name
  provisioned_concurrent_executions = var.provisioned_concurrency
}
