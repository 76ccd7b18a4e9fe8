# The permissions of each function, a document for each. The function module adds those to write logs and traces.
locals {
  policies = {
    # Fetches the issuer's keys over the internet and writes nothing.
    authorizer = []
    routes     = [data.aws_iam_policy_document.routes.json]
    sender     = [data.aws_iam_policy_document.sender.json]
    receipt    = [data.aws_iam_policy_document.receipt.json]
  }

  subscriptions = module.table["subscriptions"].arn
  broadcasts    = module.table["broadcasts"].arn
}

data "aws_iam_policy_document" "routes" {
  statement {
    sid       = "Match"
    actions   = ["dynamodb:GetItem", "dynamodb:Query"]
    resources = [var.home.matches_arn]
  }

  statement {
    sid       = "CountViewers"
    actions   = ["dynamodb:UpdateItem"]
    resources = [var.home.matches_arn]

    # The counts, and no match.
    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["audience#*"]
    }
  }

  statement {
    sid       = "Told"
    actions   = ["dynamodb:GetItem"]
    resources = [local.broadcasts]
  }

  statement {
    sid       = "SubscribeAndListen"
    actions   = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"]
    resources = [local.subscriptions]
  }

  statement {
    sid       = "ByConnection"
    actions   = ["dynamodb:Query"]
    resources = ["${local.subscriptions}/index/by_connection"]
  }

  statement {
    sid     = "Close"
    actions = ["execute-api:ManageConnections"]
    # The * stands for the ids of this stage's connections, which AWS makes up as viewers come.
    resources = [for method in ["POST", "DELETE"] : "${module.viewers_api.connections_arn}/${method}/@connections/*"]
  }
}

data "aws_iam_policy_document" "sender" {
  statement {
    sid       = "Match"
    actions   = ["dynamodb:GetItem", "dynamodb:Query"]
    resources = [var.home.matches_arn]
  }

  statement {
    sid       = "Viewers"
    actions   = ["dynamodb:Query", "dynamodb:BatchWriteItem", "dynamodb:UpdateItem"]
    resources = [local.subscriptions]
  }

  statement {
    sid       = "Progress"
    actions   = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    resources = [local.broadcasts]
  }

  statement {
    sid     = "Send"
    actions = ["execute-api:ManageConnections"]
    # The * stands for the ids of this stage's connections, which AWS makes up as viewers come.
    resources = [for method in ["POST", "DELETE"] : "${module.viewers_api.connections_arn}/${method}/@connections/*"]
  }
}

data "aws_iam_policy_document" "receipt" {
  statement {
    sid       = "Receipts"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem"]
    resources = [var.home.matches_arn]
  }

  statement {
    sid       = "CountViewers"
    actions   = ["dynamodb:UpdateItem"]
    resources = [var.home.matches_arn]

    # The counts, and no match.
    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["audience#*"]
    }
  }

  statement {
    sid       = "Progress"
    actions   = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = [local.broadcasts]
  }
}
