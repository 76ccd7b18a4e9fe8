output "settings" {
  description = "The settings that follow from the pool."
  value = {
    issuer            = local.issuer
    jwks_url          = "${local.issuer}/.well-known/jwks.json"
    operator_audience = join(",", local.audiences)
    viewer_audience   = join(",", aws_cognito_user_pool_client.viewers[*].id)
  }
}

output "sign_in" {
  description = "Address at which people at the desk sign in; null without a desk."
  value = local.has_desk ? {
    authorize_url = "${local.sign_in}/oauth2/authorize"
    token_url     = "${local.sign_in}/oauth2/token"
    client_id     = one(aws_cognito_user_pool_client.desk[*].id)
    scope         = var.scope
  } : null
}

output "functions" {
  description = "The functions of the pool, by what they do."
  value       = { pretoken = module.trigger.name }
}

output "pool" {
  description = "Data that the commands need: the pool, where tokens are given out, and the ids of the app clients, empty where there is none. Their secrets are Cognito's to tell."
  value = {
    id        = aws_cognito_user_pool.this.id
    token_url = "${local.sign_in}/oauth2/token"
    commands  = aws_cognito_user_pool_client.commands.id
    desk      = join("", aws_cognito_user_pool_client.desk[*].id)
    viewers   = join("", aws_cognito_user_pool_client.viewers[*].id)
    messages  = join("", aws_cognito_user_pool_client.messages[*].id)
  }
}
