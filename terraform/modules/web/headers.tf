# What browsers are told about the pages and the snapshots.

locals {
  # A page runs the site's own scripts and talks to its own host and the cells, and to nobody else. No script stands in
  # a page itself, so none that somebody smuggles into one runs.
  websocket_origins = distinct([for url in values(var.websocket_urls) : regex("^wss://[^/]+", url)])
  page_policy = join("; ", [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "connect-src ${join(" ", concat(["'self'"], local.websocket_origins, var.connect_sources))}",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ])
  two_years = 63072000
}

resource "aws_cloudfront_response_headers_policy" "pages" {
  name    = "${var.prefix}-pages-${var.region}"
  comment = "Pages: own scripts only, own host and cells only"

  security_headers_config {
    content_security_policy {
      content_security_policy = local.page_policy
      override                = true
    }

    content_type_options {
      override = true
    }

    frame_options {
      frame_option = "DENY"
      override     = true
    }

    referrer_policy {
      referrer_policy = "no-referrer"
      override        = true
    }

    strict_transport_security {
      access_control_max_age_sec = local.two_years
      include_subdomains         = false
      override                   = true
    }
  }

  custom_headers_config {
    items {
      header   = "Permissions-Policy"
      value    = "camera=(), geolocation=(), microphone=(), payment=()"
      override = true
    }

    items {
      header   = "Cross-Origin-Opener-Policy"
      value    = "same-origin"
      override = true
    }
  }
}

resource "aws_cloudfront_response_headers_policy" "snapshots" {
  name    = "${var.prefix}-snapshots-${var.region}"
  comment = "Snapshots: for everybody's pages to read, and no page themselves"

  # Everybody may read a snapshot, so the answer is the same for every Origin, and none is in the cache's key.
  cors_config {
    access_control_allow_credentials = false
    access_control_max_age_sec       = 86400
    origin_override                  = true

    access_control_allow_headers {
      items = ["If-None-Match"]
    }

    access_control_allow_methods {
      items = ["GET", "HEAD"]
    }

    access_control_allow_origins {
      items = ["*"]
    }

    access_control_expose_headers {
      items = ["ETag"]
    }
  }

  security_headers_config {
    content_security_policy {
      content_security_policy = "default-src 'none'; frame-ancestors 'none'"
      override                = true
    }

    content_type_options {
      override = true
    }

    strict_transport_security {
      access_control_max_age_sec = local.two_years
      include_subdomains         = false
      override                   = true
    }
  }
}
