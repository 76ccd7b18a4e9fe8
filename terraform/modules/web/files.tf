# The files in the bucket.

locals {
  # deployment.json is made below, also if the folder has one.
  files = var.site_directory == null ? [] : [
    for file in fileset(var.site_directory, "**") : file
    if file != "deployment.json" && !contains(var.site.pages.not_served, regex("[^.]*$", file))
  ]
}

resource "aws_s3_object" "file" {
  for_each = toset(local.files)

  region       = var.region
  bucket       = aws_s3_bucket.site.id
  key          = each.value
  source       = "${var.site_directory}/${each.value}"
  source_hash  = filemd5("${var.site_directory}/${each.value}")
  content_type = var.site.pages.content_types[regex("[^.]+$", each.value)]
  # Names contain no hash of the content, so browsers must see a new release within minutes.
  cache_control = var.site.pages.cache_control
}

# deployment.json has the cells for the pages, and the sign-in for the desk. So the same files serve every deployment.
resource "aws_s3_object" "deployment" {
  region        = var.region
  bucket        = aws_s3_bucket.site.id
  key           = "deployment.json"
  content_type  = var.site.pages.content_types["json"]
  cache_control = var.site.pages.cache_control
  content = jsonencode({
    version = 1
    # A page of an older release reads only this.
    websockets = { for name, cell in var.cells : name => cell.url if cell.transport == "api-gateway" }
    cells      = var.cells
    operators  = { for name, each in { sign_in = var.operators_sign_in } : name => each if each != null }
  })
}
