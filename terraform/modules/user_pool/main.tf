locals {
  name     = "${var.deployment.prefix}-users"
  server   = split("/", var.scope)[0]
  scope    = split("/", var.scope)[1]
  watch    = "watch"
  issuer   = "https://cognito-idp.${var.region}.${var.deployment.dns_suffix}/${aws_cognito_user_pool.this.id}"
  is_fips  = var.deployment.partition == "aws-us-gov"
  sign_in  = "https://${aws_cognito_user_pool_domain.this.domain}.${local.is_fips ? "auth-fips" : "auth"}.${var.region}.amazoncognito.com"
  has_desk = var.desk_site != null
  audiences = concat(
    [aws_cognito_user_pool_client.commands.id],
    aws_cognito_user_pool_client.desk[*].id,
    aws_cognito_user_pool_client.messages[*].id,
  )
}

resource "aws_cognito_user_pool" "this" {
  region = var.region
  name   = local.name
  # Only these plans let a trigger change access tokens
  # (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html).
  user_pool_tier      = "ESSENTIALS"
  deletion_protection = var.deletion_protection ? "ACTIVE" : "INACTIVE"

  # Every user of the pool is an operator, so nobody may sign up.
  admin_create_user_config {
    allow_admin_create_user_only = true
  }

  account_recovery_setting {
    recovery_mechanism {
      name     = "admin_only"
      priority = 1
    }
  }

  password_policy {
    minimum_length                   = 12
    require_lowercase                = true
    require_uppercase                = true
    require_numbers                  = true
    require_symbols                  = true
    temporary_password_validity_days = 7
  }

  mfa_configuration = "OPTIONAL"

  software_token_mfa_configuration {
    enabled = true
  }

  username_configuration {
    case_sensitive = false
  }

  lambda_config {
    pre_token_generation_config {
      lambda_arn     = module.trigger.arn
      lambda_version = "V3_0"
    }
  }
}

resource "aws_cognito_resource_server" "this" {
  region       = var.region
  user_pool_id = aws_cognito_user_pool.this.id
  identifier   = local.server
  name         = local.server

  scope {
    scope_name        = local.scope
    scope_description = "Operate matches."
  }

  scope {
    scope_name        = split("/", var.message_scope)[1]
    scope_description = "Send messages to single viewers."
  }

  scope {
    scope_name        = local.watch
    scope_description = "Watch matches."
  }
}

resource "aws_cognito_user_pool_domain" "this" {
  region       = var.region
  user_pool_id = aws_cognito_user_pool.this.id
  domain       = var.domain_prefix
}

# The commands of `livescore`, and programs of one's own.
resource "aws_cognito_user_pool_client" "commands" {
  region                               = var.region
  user_pool_id                         = aws_cognito_user_pool.this.id
  name                                 = "commands"
  generate_secret                      = true
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["client_credentials"]
  allowed_oauth_scopes                 = [var.scope]

  # Cognito refuses a scope until its resource server exists.
  depends_on = [aws_cognito_resource_server.this]
}

# The app client of the desk. A page cannot keep a secret, so this client has none and uses PKCE.
resource "aws_cognito_user_pool_client" "desk" {
  count = local.has_desk ? 1 : 0

  region                               = var.region
  user_pool_id                         = aws_cognito_user_pool.this.id
  name                                 = "desk"
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["code"]
  allowed_oauth_scopes                 = [var.scope]
  supported_identity_providers         = ["COGNITO"]
  callback_urls                        = ["${var.desk_site}/operator.html"]
  prevent_user_existence_errors        = "ENABLED"

  depends_on = [aws_cognito_resource_server.this]
}

# The app client that gets tokens for viewers, for a site on which only viewers with a token may watch.
resource "aws_cognito_user_pool_client" "viewers" {
  count = var.viewers ? 1 : 0

  region                               = var.region
  user_pool_id                         = aws_cognito_user_pool.this.id
  name                                 = "viewers"
  generate_secret                      = true
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["client_credentials"]
  allowed_oauth_scopes                 = ["${local.server}/${local.watch}"]

  depends_on = [aws_cognito_resource_server.this]
}

# The app client of a program that sends messages to single viewers, and may do nothing else.
resource "aws_cognito_user_pool_client" "messages" {
  count = var.messages ? 1 : 0

  region                               = var.region
  user_pool_id                         = aws_cognito_user_pool.this.id
  name                                 = "messages"
  generate_secret                      = true
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["client_credentials"]
  allowed_oauth_scopes                 = [var.message_scope]

  depends_on = [aws_cognito_resource_server.this]
}

# Puts the claim `competitions` into tokens. Cognito waits 5 seconds for it
# (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-identity-pools-working-with-aws-lambda-triggers.html).
module "trigger" {
  source = "../function"

  deployment   = var.deployment
  region       = var.region
  name         = "pretoken"
  function     = { handler = "api.pretoken.handler", memory = 256, timeout = 5 }
  environment  = { COMPETITIONS = jsonencode(var.competitions) }
  policies     = []
  kms_key_arn  = var.kms_key_arn
  kms_key_arns = var.kms_key_arn[*]
}

resource "aws_lambda_permission" "trigger" {
  region         = var.region
  action         = "lambda:InvokeFunction"
  function_name  = module.trigger.name
  principal      = "cognito-idp.amazonaws.com"
  source_arn     = aws_cognito_user_pool.this.arn
  source_account = var.deployment.account_id
}
