# The headers of the pages and the snapshots. site.json states them.

locals {
  # A page runs only the site's own script files, and connects only to its own host and the cells. A page contains no inline
  # script, so an injected one does not run.
  cell_origins = distinct([for cell in values(var.cells) : regex("^(?:wss|https)://[^/]+", cell.url)])
  # The console exchanges a code for a token at this origin. The sign-in itself is another page, which needs no permission.
  sign_in_origins = [for each in var.operators_sign_in[*] : regex("^https://[^/]+", each.token_url)]
  page_policy = replace(
    join("; ", var.site.pages.content_security_policy),
    "{cells}",
    join(" ", concat(local.cell_origins, local.sign_in_origins, var.connect_sources)),
  )

  # CloudFront has a separate argument for each of these headers, and refuses them among the other headers of a policy.
  named_headers = [
    "Content-Security-Policy", "Referrer-Policy", "Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options",
  ]
  hsts_seconds = {
    for name in ["pages", "readers", "operators"] :
    name => tonumber(regex("^max-age=([0-9]+)$", var.site[name].headers["Strict-Transport-Security"])[0])
  }
}

resource "aws_cloudfront_response_headers_policy" "pages" {
  name    = "${var.prefix}-pages-${var.region}"
  comment = "Pages: own scripts only, own host and cells only"

  security_headers_config {
    content_security_policy {
      content_security_policy = local.page_policy
      override                = true
    }

    # The only value is nosniff.
    content_type_options {
      override = true
    }

    frame_options {
      frame_option = var.site.pages.headers["X-Frame-Options"]
      override     = true
    }

    referrer_policy {
      referrer_policy = var.site.pages.headers["Referrer-Policy"]
      override        = true
    }

    strict_transport_security {
      access_control_max_age_sec = local.hsts_seconds.pages
      include_subdomains         = false
      override                   = true
    }
  }

  custom_headers_config {
    dynamic "items" {
      for_each = { for name, value in var.site.pages.headers : name => value if !contains(local.named_headers, name) }

      content {
        header   = items.key
        value    = items.value
        override = true
      }
    }
  }
}

resource "aws_cloudfront_response_headers_policy" "snapshots" {
  name    = "${var.prefix}-snapshots-${var.region}"
  comment = "Snapshots: for everybody's pages to read, and no page themselves"

  # Everybody may read a snapshot, so the answer is the same for every Origin, and none is in the cache's key. Authorization is for
  # the listeners' path: below the readers' path CloudFront refuses OPTIONS, and no request with that header comes from another page.
  cors_config {
    access_control_allow_credentials = false
    access_control_max_age_sec       = var.site.readers.cross_origin.seconds
    origin_override                  = true

    access_control_allow_headers {
      items = var.site.readers.cross_origin.headers
    }

    access_control_allow_methods {
      items = var.site.readers.cross_origin.methods
    }

    access_control_allow_origins {
      items = [var.site.readers.cross_origin.origins]
    }

    access_control_expose_headers {
      items = var.site.readers.cross_origin.exposed
    }
  }

  security_headers_config {
    content_security_policy {
      content_security_policy = var.site.readers.headers["Content-Security-Policy"]
      override                = true
    }

    content_type_options {
      override = true
    }

    strict_transport_security {
      access_control_max_age_sec = local.hsts_seconds.readers
      include_subdomains         = false
      override                   = true
    }
  }
}

resource "aws_cloudfront_response_headers_policy" "operators" {
  name    = "${var.prefix}-operators-${var.region}"
  comment = "Answers to operators: for the site's own pages, and kept by nobody"

  security_headers_config {
    content_security_policy {
      content_security_policy = var.site.operators.headers["Content-Security-Policy"]
      override                = true
    }

    content_type_options {
      override = true
    }

    referrer_policy {
      referrer_policy = var.site.operators.headers["Referrer-Policy"]
      override        = true
    }

    strict_transport_security {
      access_control_max_age_sec = local.hsts_seconds.operators
      include_subdomains         = false
      override                   = true
    }
  }

  custom_headers_config {
    dynamic "items" {
      for_each = { for name, value in var.site.operators.headers : name => value if !contains(local.named_headers, name) }

      content {
        header   = items.key
        value    = items.value
        override = true
      }
    }
  }
}
