variable "cell" {
  description = "The cell and what it shares with the others; its type is in ../cell_parts."
  type        = any
  nullable    = false
}

variable "schema_directory" {
  description = "The folder of schema.graphql and of the resolvers' code."
  type        = string
  nullable    = false
}
