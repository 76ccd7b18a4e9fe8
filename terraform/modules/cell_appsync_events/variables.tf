variable "cell" {
  description = "The cell and what it shares with the others; its type is in ../cell_parts."
  type        = any
  nullable    = false
}
