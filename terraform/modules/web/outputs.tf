output "url" {
  description = "Address of the site."
  value       = "https://${var.domain == null ? aws_cloudfront_distribution.site.domain_name : var.domain.name}"
}

output "bucket" {
  description = "The bucket of the site's files, for `aws s3 sync`."
  value       = aws_s3_bucket.site.id
}

output "distribution_id" {
  description = "The CloudFront distribution, for an invalidation and for its metrics."
  value       = aws_cloudfront_distribution.site.id
}

output "content_security_policy" {
  description = "Content security policy of the pages."
  value       = local.page_policy
}
