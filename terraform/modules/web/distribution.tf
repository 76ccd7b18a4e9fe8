# One host for the pages, for the snapshots with which they repair gaps, and for operators' posts.

locals {
  api_host = trimprefix(var.api_endpoint, "https://")

  # AWS's own policies for operators' requests. They are named by the ids of the CloudFront guide, so that a plan shows them.
  # (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html,
  # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html)
  caching_disabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
  # Only AllViewerExceptHostHeader passes Authorization on to an origin that needs its own Host: CloudFront refuses a policy of
  # ours that names that header (https://repost.aws/knowledge-center/cloudfront-authorization-header).
  all_but_host = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
}

data "aws_cloudfront_cache_policy" "optimized" {
  name = "Managed-CachingOptimized"
}

resource "aws_cloudfront_function" "operators" {
  name    = "${var.prefix}-operators-${var.region}"
  comment = "Takes ${var.site.operators.prefix} off the path"
  runtime = "cloudfront-js-2.0"
  publish = true
  code    = file("${path.module}/operators.js")
}

resource "aws_cloudfront_function" "listeners" {
  name    = "${var.prefix}-listeners-${var.region}"
  comment = "Lets pages of other origins send their viewer's token"
  runtime = "cloudfront-js-2.0"
  publish = true
  code    = file("${path.module}/listeners.js")
}

# The API says for how long a snapshot is valid: a second, and up to half a minute for the list of a day on which nothing is played.
# There is no origin request policy, so CloudFront passes on only the parts of the cache key: no Host (API Gateway would not know
# it), no Origin (CORS is answered below), no cookie, and no Authorization. So no token ever reaches a shared cache. Requests with a
# token have a path of their own, under which nothing is cached.
resource "aws_cloudfront_cache_policy" "snapshots" {
  name        = "${var.prefix}-snapshots-${var.region}"
  comment     = "Snapshots of matches: a second; quiet lists: longer"
  min_ttl     = 0
  default_ttl = var.site.readers.seconds
  max_ttl     = var.site.readers.most_seconds

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = true
    enable_accept_encoding_gzip   = true

    cookies_config {
      cookie_behavior = "none"
    }

    headers_config {
      header_behavior = "none"
    }

    query_strings_config {
      query_string_behavior = "whitelist"

      query_strings {
        items = var.site.readers.query_strings
      }
    }
  }
}

resource "aws_cloudfront_origin_access_control" "site" {
  name                              = "${var.prefix}-site-${var.region}"
  description                       = "CloudFront signs its requests to the bucket of the site"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_distribution" "site" {
  comment             = "${var.prefix}: pages and snapshots"
  enabled             = true
  is_ipv6_enabled     = true
  http_version        = "http2and3"
  price_class         = var.price_class
  default_root_object = var.site.pages.index
  aliases             = var.domain == null ? [] : [var.domain.name]
  web_acl_id          = var.web_acl_arn

  origin {
    origin_id                = "site"
    domain_name              = aws_s3_bucket.site.bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.site.id
  }

  origin {
    origin_id           = "api"
    domain_name         = local.api_host
    connection_attempts = 2
    connection_timeout  = 3

    # CloudFront overwrites a header of this name that a viewer sends
    # (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html).
    custom_header {
      name  = var.site.key_header
      value = var.site_key
    }

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
      # The function of the API has 15 seconds; a viewer asks again sooner.
      origin_read_timeout      = 10
      origin_keepalive_timeout = 60
    }

    dynamic "origin_shield" {
      for_each = var.origin_shield_region == null ? [] : [var.origin_shield_region]

      content {
        enabled              = true
        origin_shield_region = origin_shield.value
      }
    }
  }

  default_cache_behavior {
    target_origin_id           = "site"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = data.aws_cloudfront_cache_policy.optimized.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.pages.id
  }

  # A plain GET from another site's page needs no preflight, so OPTIONS is not allowed.
  ordered_cache_behavior {
    path_pattern               = var.site.readers.path
    target_origin_id           = "api"
    viewer_protocol_policy     = "https-only"
    allowed_methods            = var.site.readers.methods
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = aws_cloudfront_cache_policy.snapshots.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.snapshots.id
  }

  # A viewer asks for what its service needs, with its own token. The answer is for nobody else.
  ordered_cache_behavior {
    path_pattern               = var.site.listeners.path
    target_origin_id           = "api"
    viewer_protocol_policy     = "https-only"
    allowed_methods            = var.site.listeners.methods
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = local.caching_disabled
    origin_request_policy_id   = local.all_but_host
    response_headers_policy_id = aws_cloudfront_response_headers_policy.snapshots.id

    function_association {
      event_type   = "viewer-request"
      function_arn = aws_cloudfront_function.listeners.arn
    }
  }

  ordered_cache_behavior {
    path_pattern               = var.site.operators.path
    target_origin_id           = "api"
    viewer_protocol_policy     = "https-only"
    allowed_methods            = var.site.operators.methods
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = local.caching_disabled
    origin_request_policy_id   = local.all_but_host
    response_headers_policy_id = aws_cloudfront_response_headers_policy.operators.id

    function_association {
      event_type   = "viewer-request"
      function_arn = aws_cloudfront_function.operators.arn
    }
  }

  # CloudFront caches an error for ten seconds by default. Then a new match would seem to be missing for that long.
  dynamic "custom_error_response" {
    for_each = [404, 500, 502, 503, 504]

    content {
      error_code            = custom_error_response.value
      error_caching_min_ttl = 1
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = var.domain == null
    acm_certificate_arn            = var.domain == null ? null : var.domain.certificate_arn
    ssl_support_method             = var.domain == null ? null : "sni-only"
    minimum_protocol_version       = var.domain == null ? "TLSv1" : "TLSv1.2_2021"
  }

  dynamic "logging_config" {
    for_each = var.log_bucket == null ? [] : [var.log_bucket]

    content {
      bucket          = logging_config.value
      prefix          = "${var.prefix}/"
      include_cookies = false
    }
  }
}

resource "aws_route53_record" "site" {
  for_each = try(var.domain.zone_id, null) == null ? toset([]) : toset(["A", "AAAA"])

  zone_id = var.domain.zone_id
  name    = var.domain.name
  type    = each.value

  alias {
    name                   = aws_cloudfront_distribution.site.domain_name
    zone_id                = aws_cloudfront_distribution.site.hosted_zone_id
    evaluate_target_health = false
  }
}
