# The permissions of each function, a document for each. The function module adds those to write logs and traces.
locals {
  policies = {
    fanout   = [data.aws_iam_policy_document.fanout.json]
    watchdog = [data.aws_iam_policy_document.watchdog.json]
  }

  # By name: see the function module's role.tf.
  unhandled_name = "${var.deployment.prefix}-unhandled-${var.deployment.account_id}-${var.region}"
  unhandled_arn  = "arn:${var.deployment.partition}:s3:::${local.unhandled_name}"
}

data "aws_iam_policy_document" "fanout" {
  # Lambda reads the stream with the function's role.
  statement {
    sid = "Read"
    actions = [
      "kinesis:DescribeStream",
      "kinesis:DescribeStreamSummary",
      "kinesis:GetRecords",
      "kinesis:GetShardIterator",
      "kinesis:ListShards",
    ]
    resources = [var.stream.arn]
  }

  dynamic "statement" {
    for_each = var.enhanced_fan_out ? [1] : []
    content {
      sid       = "Subscribe"
      actions   = ["kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard"]
      resources = [var.stream.consumer_arn]
    }
  }

  # A transaction needs the permissions of its writes
  # (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html).
  # If an operator has not seen the newest events, a goal is compared with them.
  statement {
    sid       = "Number"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"]
    resources = [var.resources.matches_arn]
  }

  statement {
    sid       = "Cells"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = var.resources.broadcasts_arns
  }

  # A deployment may have no cell with the transport api-gateway.
  dynamic "statement" {
    for_each = length(var.resources.state_machine_arns) > 0 ? [1] : []
    content {
      sid       = "Broadcast"
      actions   = ["states:StartExecution"]
      resources = var.resources.state_machine_arns
    }
  }

  dynamic "statement" {
    for_each = var.resources.publish
    content {
      sid       = "Publish${replace(title(replace(statement.key, ":", " ")), " ", "")}"
      actions   = [statement.key]
      resources = statement.value
    }
  }

  statement {
    sid       = "Tell"
    actions   = ["sqs:SendMessage"]
    resources = [module.queues.arns["set-aside"], module.queues.arns["watchdog"]]
  }

  # Lambda puts records that it gives up there, with the function's role
  # (https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html).
  statement {
    sid     = "GiveUp"
    actions = ["s3:PutObject"]
    # The * stands for the names that Lambda gives to objects of this one bucket.
    resources = ["${local.unhandled_arn}/*"]
  }

  statement {
    sid       = "Find"
    actions   = ["s3:ListBucket"]
    resources = [local.unhandled_arn]
  }
}

data "aws_iam_policy_document" "watchdog" {
  # Lambda takes the messages with the function's role.
  statement {
    sid       = "Watch"
    actions   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    resources = [module.queues.arns["watchdog"]]
  }

  statement {
    sid       = "LookAgainOrSetAside"
    actions   = ["sqs:SendMessage"]
    resources = [module.queues.arns["set-aside"], module.queues.arns["watchdog"]]
  }

  # A cell whose service tells the viewers gets frames from here, with the events that the cell has not told.
  statement {
    sid       = "Match"
    actions   = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"]
    resources = [var.resources.matches_arn]
  }

  statement {
    sid       = "Cells"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = var.resources.broadcasts_arns
  }

  # A deployment may have no cell with the transport api-gateway.
  dynamic "statement" {
    for_each = length(var.resources.state_machine_arns) > 0 ? [1] : []
    content {
      sid       = "Broadcast"
      actions   = ["states:StartExecution"]
      resources = var.resources.state_machine_arns
    }
  }

  dynamic "statement" {
    for_each = var.resources.publish
    content {
      sid       = "Publish${replace(title(replace(statement.key, ":", " ")), " ", "")}"
      actions   = [statement.key]
      resources = statement.value
    }
  }
}
