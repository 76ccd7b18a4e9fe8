# What lies in the bucket.

locals {
  content_types = {
    html        = "text/html; charset=utf-8"
    js          = "text/javascript; charset=utf-8"
    mjs         = "text/javascript; charset=utf-8"
    css         = "text/css; charset=utf-8"
    json        = "application/json"
    map         = "application/json"
    webmanifest = "application/manifest+json"
    svg         = "image/svg+xml"
    png         = "image/png"
    ico         = "image/vnd.microsoft.icon"
    webp        = "image/webp"
    woff2       = "font/woff2"
    txt         = "text/plain; charset=utf-8"
  }
}

resource "aws_s3_object" "file" {
  for_each = var.site_directory == null ? toset([]) : fileset(var.site_directory, "**")

  region       = var.region
  bucket       = aws_s3_bucket.site.id
  key          = each.value
  source       = "${var.site_directory}/${each.value}"
  source_hash  = filemd5("${var.site_directory}/${each.value}")
  content_type = local.content_types[regex("[^.]+$", each.value)]
  # Names carry no hash of the content: a new release must be seen within minutes.
  cache_control = "public, max-age=60"
}

# How a page finds its cells: the same files serve every deployment.
resource "aws_s3_object" "deployment" {
  region        = var.region
  bucket        = aws_s3_bucket.site.id
  key           = "deployment.json"
  content_type  = "application/json"
  cache_control = "public, max-age=60"
  content       = jsonencode({ version = 1, websockets = var.websocket_urls })
}
