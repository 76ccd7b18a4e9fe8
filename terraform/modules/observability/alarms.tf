# The alarms of every region, and their topics.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  cell_regions = distinct([for cell in values(var.cells) : cell.region])
  # An alarm tells a topic of its own region.
  regions = setunion([var.home.region], local.cell_regions, var.watch_web ? ["us-east-1"] : [])

  # AWS counts an account's concurrency by region, for all functions together.
  region_alarms = {
    for region in setunion([var.home.region], local.cell_regions) : region => [
      {
        name    = "concurrency-near-quota", runbook = "concurrency-near-quota", threshold = floor(var.concurrency_quota * 4 / 5)
        about   = "Lambda runs at four fifths of the account's quota of ${var.concurrency_quota}, or more."
        metrics = { running = { namespace = "AWS/Lambda", name = "ConcurrentExecutions", stat = "Maximum", dimensions = {} } }
      },
    ]
  }

  # Figures arrive minutes late, and FILL puts a 0 into each minute that has none yet
  # (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html). With "2 of 2" the newest datapoint would
  # always be that 0, and the alarm could never go off. So an alarm is "M of N", and N is larger than M by this number. One bad
  # minute is enough for every alarm that does not say otherwise, because a goal is over in less than two minutes.
  late = 4

  # An alarm about a share ignores up to this many failures in a minute. Otherwise one failure of three viewers would be a third.
  few = 10

  namespace = "livescore"

  # merge, not one list: the alarms differ in their fields.
  alarms = merge(
    { for alarm in local.home_alarms : "${var.home.region}/${alarm.name}" => merge({ region = var.home.region, expression = null, minutes = 1 }, alarm) },
    { for alarm in local.web_alarms : "us-east-1/${alarm.name}" => merge({ region = "us-east-1", expression = null, minutes = 1 }, alarm) },
    # Two cells may be in one region, so the names of a cell's alarms end in its suffix.
    merge(flatten([for place, cell in var.cells : [
      { for alarm in local.cell_alarms[place] : "${place}/${alarm.name}" => merge({ region = cell.region, expression = null, minutes = 1 }, alarm, { name = "${alarm.name}${cell.suffix}" }) }
    ]])...),
    merge(flatten([for region, alarms in local.region_alarms : [
      { for alarm in alarms : "${region}/${alarm.name}" => merge({ region = region, expression = null, minutes = 1 }, alarm) }
    ]])...),
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  region              = each.value.region
  alarm_name          = "${var.prefix}-${each.value.name}"
  alarm_description   = "${each.value.about} Runbook: ${var.runbooks}#${each.value.runbook}"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  evaluation_periods  = each.value.minutes + local.late
  datapoints_to_alarm = each.value.minutes
  # Between matches there are no figures, and nothing is wrong.
  treat_missing_data = "notBreaching"
  alarm_actions      = [aws_sns_topic.alarms[each.value.region].arn]
  ok_actions         = [aws_sns_topic.alarms[each.value.region].arn]

  dynamic "metric_query" {
    for_each = each.value.metrics

    content {
      id          = metric_query.key
      return_data = each.value.expression == null

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.name
        dimensions  = metric_query.value.dimensions
        stat        = metric_query.value.stat
        period      = 60
      }
    }
  }

  dynamic "metric_query" {
    for_each = each.value.expression == null ? [] : [each.value.expression]

    content {
      id          = "result"
      label       = each.value.name
      expression  = metric_query.value
      return_data = true
    }
  }
}

resource "aws_sns_topic" "alarms" {
  for_each = local.regions

  region            = each.value
  name              = "${var.prefix}-alarms"
  kms_master_key_id = lookup(var.kms_key_arns, each.value, null)
}

data "aws_iam_policy_document" "alarms" {
  for_each = local.regions

  statement {
    sid       = "AlarmsOfThisAccount"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms[each.value].arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "AWS:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_sns_topic_policy" "alarms" {
  for_each = local.regions

  region = each.value
  arn    = aws_sns_topic.alarms[each.value].arn
  policy = data.aws_iam_policy_document.alarms[each.value].json
}

resource "aws_sns_topic_subscription" "email" {
  for_each = { for pair in setproduct(local.regions, var.emails) : "${pair[0]}/${pair[1]}" => { region = pair[0], email = pair[1] } }

  region    = each.value.region
  topic_arn = aws_sns_topic.alarms[each.value.region].arn
  protocol  = "email"
  endpoint  = each.value.email
}
