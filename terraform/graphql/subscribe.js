// Subscription.onFrame on a NONE data source: it decides whether the viewer may hear a channel, and filters on the
// server. The Lambda authorizer cannot decide that: AppSync calls it for a subscription with an empty query and without
// variables (https://github.com/aws-amplify/amplify-category-api/issues/2090). So the authorizer only states the
// viewer's rights, in `ctx.identity.resolverContext`: `namespace`, the first segment of the deployment's channels;
// `segments`, the competitions' segments of channels with spaces between them ("*" is all); and `subject`, the viewer's
// own feed of <namespace>/subjects ("" without one).

import { extensions, util } from "@aws-appsync/utils";

export function request(ctx) {
  const rights = ctx.identity.resolverContext;
  const feed = ctx.args.feed;
  const parts = ctx.args.channel.split("/");
  const competition = parts.length === 3 && parts[0] === rights.namespace && parts[2] !== "" ? parts[1] : "";
  const segments = rights.segments.split(" ");
  const isAnyOf = segments.includes("*") && (competition.startsWith("c-") || competition.startsWith("h-"));
  const covers = competition === "open" || isAnyOf || (competition !== "" && segments.includes(competition));
  const isFeed = feed === "all" || feed === "score";
  const isOwn = ctx.args.channel === `${rights.namespace}/subjects` && rights.subject !== "" && feed === rights.subject;
  if (!isOwn && !(covers && isFeed && competition !== "*")) {
    util.error("Your token does not cover this channel.", "not_entitled");
  }
  return { payload: null };
}

export function response(ctx) {
  // https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-real-time-enhanced-filtering.html
  const filter = { channel: { eq: ctx.args.channel }, feed: { eq: ctx.args.feed } };
  extensions.setSubscriptionFilter(util.transform.toSubscriptionFilter(filter));
  // A subscription's resolver must return null here.
  return null;
}
