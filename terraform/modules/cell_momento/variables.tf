variable "cell" {
  description = "The cell and what it shares with the others; its type is in ../cell_parts."
  type        = any
  nullable    = false
}

variable "momento" {
  description = "The URL of Momento's HTTP API, the name of the cache, and the name of the parameter with the API key."
  type = object({
    url               = string
    cache             = string
    api_key_parameter = string
  })
  nullable = false
}
