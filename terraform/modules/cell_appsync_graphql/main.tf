locals {
  api_arn = "arn:${var.cell.deployment.partition}:appsync:${var.cell.region}:${var.cell.deployment.account_id}:apis/${aws_appsync_graphql_api.this.id}"
  # The field that publishes a frame, in schema.graphql.
  mutation = "publish"

  # AWS chooses the names. The defaults are for providers that make nothing, which choose none.
  urls = {
    for side, start in { GRAPHQL = "https://%s.appsync-api", REALTIME = "wss://%s.appsync-realtime-api" } :
    side => lookup(aws_appsync_graphql_api.this.uris, side, "${format(start, aws_appsync_graphql_api.this.id)}.${var.cell.region}.${var.cell.deployment.dns_suffix}/graphql")
  }

  resolvers = {
    publish   = { type = "Mutation", field = local.mutation, code = "publish.js" }
    subscribe = { type = "Subscription", field = "onFrame", code = "subscribe.js" }
  }
}

module "parts" {
  source = "../cell_parts"

  cell = var.cell
  policies = {
    # Fetches the issuer's keys over the internet and writes nothing.
    graphql_authorizer = []
  }
}

# The default is IAM, so a field is closed to viewers unless the schema opens it with @aws_lambda. There is no API key.
resource "aws_appsync_graphql_api" "this" {
  region               = var.cell.region
  name                 = "${var.cell.deployment.prefix}-graphql${var.cell.suffix}"
  authentication_type  = "AWS_IAM"
  schema               = file("${var.schema_directory}/schema.graphql")
  introspection_config = "DISABLED"
  xray_enabled         = var.cell.deployment.tracing

  additional_authentication_provider {
    authentication_type = "AWS_LAMBDA"

    lambda_authorizer_config {
      authorizer_uri = module.parts.target_arns["graphql_authorizer"]
      # No answer is kept: an answer would outlive its token.
      authorizer_result_ttl_in_seconds = 0
    }
  }

  log_config {
    cloudwatch_logs_role_arn = module.log.role_arn
    field_log_level          = "ERROR"
    # Headers contain tokens.
    exclude_verbose_content = true
  }
}

# Nothing is stored: the mutation's result goes to the subscriptions.
resource "aws_appsync_datasource" "none" {
  region = var.cell.region
  api_id = aws_appsync_graphql_api.this.id
  name   = "none"
  type   = "NONE"
}

resource "aws_appsync_resolver" "this" {
  for_each = local.resolvers

  region      = var.cell.region
  api_id      = aws_appsync_graphql_api.this.id
  type        = each.value.type
  field       = each.value.field
  kind        = "UNIT"
  data_source = aws_appsync_datasource.none.name
  code        = file("${var.schema_directory}/${each.value.code}")

  runtime {
    name            = "APPSYNC_JS"
    runtime_version = "1.0.0"
  }
}

module "log" {
  source = "../appsync_log"

  deployment  = var.cell.deployment
  region      = var.cell.region
  name        = "graphql${var.cell.suffix}"
  api_id      = aws_appsync_graphql_api.this.id
  kms_key_arn = var.cell.options.kms_key_arn
}

resource "aws_lambda_permission" "authorizer" {
  region        = var.cell.region
  action        = "lambda:InvokeFunction"
  function_name = module.parts.functions["graphql_authorizer"].name
  qualifier     = module.parts.functions["graphql_authorizer"].qualifier
  principal     = "appsync.amazonaws.com"
  source_arn    = local.api_arn
}
