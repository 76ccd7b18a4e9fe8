// Mutation.publish on a NONE data source: it stores nothing, and its result goes to the subscriptions
// (https://docs.aws.amazon.com/appsync/latest/devguide/resolver-reference-none-js.html).

export function request(ctx) {
  return { payload: { channel: ctx.args.channel, feed: ctx.args.feed, frame: ctx.args.frame } };
}

export function response(ctx) {
  return ctx.result;
}
