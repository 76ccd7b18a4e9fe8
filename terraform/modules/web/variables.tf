variable "prefix" {
  description = "Begins the name of every resource; the names of the bucket and of CloudFront's policies, which are global, carry the region as well."
  type        = string
  nullable    = false
}

variable "region" {
  description = "The region of the bucket: home's."
  type        = string
  nullable    = false
}

variable "site" {
  description = "The site as site.json describes it, which devstack's server reads too: headers, paths, what is kept for how long."
  type = object({
    key_header = string
    pages = object({
      index                   = string
      content_security_policy = list(string)
      headers                 = map(string)
      cache_control           = string
      content_types           = map(string)
      not_served              = list(string)
    })
    readers = object({
      path          = string
      methods       = list(string)
      query_strings = list(string)
      seconds       = number
      most_seconds  = number
      headers       = map(string)
      cross_origin = object({
        origins = string
        methods = list(string)
        headers = list(string)
        exposed = list(string)
        seconds = number
      })
    })
    listeners = object({
      path    = string
      methods = list(string)
    })
    operators = object({
      path    = string
      prefix  = string
      methods = list(string)
      headers = map(string)
    })
  })
  nullable = false
}

variable "api_endpoint" {
  description = "The HTTP API of home, such as https://api.example.org: where snapshots come from."
  type        = string

  validation {
    condition     = can(regex("^https://[a-z0-9.-]+$", var.api_endpoint))
    error_message = "api_endpoint is https:// and a host name, without a path."
  }
}

variable "site_key" {
  description = "Value that CloudFront sends to the API as the header key_header of site.json; the API refuses readers without it."
  type        = string
  nullable    = false
  sensitive   = true
}

variable "cells" {
  description = "The cells by name: transport, region, url, and what else a viewer needs to connect. Pages may talk to these URLs; deployment.json lists the cells for the page."
  type        = map(map(string))
  nullable    = false

  validation {
    condition     = length(var.cells) > 0 && alltrue([for cell in values(var.cells) : can(regex("^(wss|https)://[^/ ;]+", cell.url))])
    error_message = "cells has at least one cell, and the url of each begins with wss:// or https://."
  }

  validation {
    condition     = alltrue([for cell in values(var.cells) : can(cell.transport) && can(cell.region)])
    error_message = "Each cell has a transport and a region."
  }
}

variable "connect_sources" {
  description = "More origins that the pages may talk to, such as https://login.example.org for signing in."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for source in var.connect_sources : can(regex("^(https|wss)://[A-Za-z0-9.*:-]+$", source))])
    error_message = "Each of connect_sources is https:// or wss:// and a host, without a path."
  }
}

variable "site_directory" {
  description = "The folder of the static site to upload, without what site.json does not serve; null uploads nothing, and `aws s3 sync` is up to you."
  type        = string
  default     = null

  validation {
    condition = var.site_directory == null ? true : alltrue([
      for file in fileset(var.site_directory, "**") : contains(concat(keys(var.site.pages.content_types), var.site.pages.not_served), regex("[^.]*$", file))
    ])
    error_message = "site_directory has a file whose content type this module does not know."
  }
}

variable "operators_sign_in" {
  description = "Sign-in of operators, for the desk: an authorization code with PKCE, of Cognito its hosted UI. null: they paste a token."
  type = object({
    authorize_url = string
    token_url     = string
    client_id     = string
    scope         = string
  })
  default = null

  validation {
    condition = var.operators_sign_in == null ? true : alltrue([
      for url in [var.operators_sign_in.authorize_url, var.operators_sign_in.token_url] :
      can(regex("^https://[A-Za-z0-9.-]+(:[0-9]+)?/[^\\s;,'\"]*$", url))
    ])
    error_message = "operators_sign_in: authorize_url and token_url are https:// with a host and a path."
  }
}

variable "domain" {
  description = "A name of your own for the site, with the ARN of its certificate in us-east-1 (CloudFront looks nowhere else); null is CloudFront's name."
  type = object({
    name            = string
    certificate_arn = string
    zone_id         = optional(string)
  })
  default = null

  validation {
    condition     = var.domain == null ? true : can(regex("^arn:aws[a-z-]*:acm:us-east-1:", var.domain.certificate_arn))
    error_message = "domain.certificate_arn is that of a certificate in us-east-1."
  }
}

variable "origin_shield_region" {
  description = "A region with Origin Shield, near home: all of CloudFront then asks the API for a snapshot once a second. null is none: each regional edge cache asks."
  type        = string
  default     = null
}

variable "price_class" {
  description = "CloudFront's locations that serve the site (its price class)."
  type        = string
  default     = "PriceClass_All"
  nullable    = false

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.price_class)
    error_message = "price_class is PriceClass_100, PriceClass_200 or PriceClass_All."
  }
}

variable "web_acl_arn" {
  description = "A WAF web ACL in us-east-1 to put before everything; null is none."
  type        = string
  default     = null
}

variable "log_bucket" {
  description = "Domain name of an S3 bucket for CloudFront's access logs, such as logs.s3.amazonaws.com; null keeps none."
  type        = string
  default     = null
}

variable "force_destroy" {
  description = "Whether destroying removes the site's files with their versions. Leave it off in production."
  type        = bool
  default     = false
  nullable    = false
}

variable "noncurrent_days" {
  description = "For this many days a file that was replaced is kept, to roll a release back by hand."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.noncurrent_days >= 1
    error_message = "noncurrent_days is at least 1."
  }
}
