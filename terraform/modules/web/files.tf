# What lies in the bucket.

resource "aws_s3_object" "file" {
  for_each = var.site_directory == null ? toset([]) : fileset(var.site_directory, "**")

  region       = var.region
  bucket       = aws_s3_bucket.site.id
  key          = each.value
  source       = "${var.site_directory}/${each.value}"
  source_hash  = filemd5("${var.site_directory}/${each.value}")
  content_type = var.site.pages.content_types[regex("[^.]+$", each.value)]
  # Names carry no hash of the content: a new release must be seen within minutes.
  cache_control = var.site.pages.cache_control
}

# How a page finds its cells: the same files serve every deployment.
resource "aws_s3_object" "deployment" {
  region        = var.region
  bucket        = aws_s3_bucket.site.id
  key           = "deployment.json"
  content_type  = "application/json"
  cache_control = var.site.pages.cache_control
  content       = jsonencode({ version = 1, websockets = var.websocket_urls })
}
