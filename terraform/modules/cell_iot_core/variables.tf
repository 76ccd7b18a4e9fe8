variable "cell" {
  description = "The cell and what it shares with the others; its type is in ../cell_parts."
  type        = any
  nullable    = false
}

variable "rules" {
  description = "Rules that invoke the function iot_presence, as name = SQL; none: viewers are not counted."
  type        = map(string)
  default     = {}
  nullable    = false
}
