output "alarms" {
  description = "The ARNs of the alarms, as region/name = ARN."
  value       = { for key, alarm in aws_cloudwatch_metric_alarm.this : key => alarm.arn }
}

output "topics" {
  description = "The topic that alarms tell, by region: subscribe a pager or a chat to it."
  value       = { for region, topic in aws_sns_topic.alarms : region => topic.arn }
}

output "dashboard" {
  description = "The dashboard's name."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
