// Runs the resolver of terraform/graphql on the cases in stdin, with stand-ins for AppSync's two globals.
// The answer has for each case the filter that it set, or the type of its error.
import { readFileSync } from "node:fs";

const source = readFileSync(process.argv[2], "utf8").replace(/^import .*$/m, "");
const module = `const { extensions, util } = globalThis.appsync;\n${source}`;
globalThis.appsync = {
  util: {
    error(message, type) {
      throw Object.assign(new Error(message), { type });
    },
    transform: { toSubscriptionFilter: (filter) => JSON.stringify(filter) },
  },
  extensions: {
    setSubscriptionFilter(filter) {
      globalThis.appsync.filter = JSON.parse(filter);
    },
  },
};
const { request, response } = await import(`data:text/javascript,${encodeURIComponent(module)}`);
const answers = JSON.parse(readFileSync(0, "utf8")).map((ctx) => {
  try {
    const asked = request(ctx);
    return { payload: asked.payload, answer: response({ ...ctx, result: asked.payload }), filter: globalThis.appsync.filter };
  } catch (error) {
    return { error: error.type ?? String(error) };
  }
});
process.stdout.write(JSON.stringify(answers));
