/**
 * Evaluates JSONata expressions as Step Functions does, with the reference implementation.
 *
 * Reads JSON lists from standard input, one on each line: `{expression, bindings, now}` each, `now` in milliseconds since 1970.
 * Writes one line for each: the list of answers, `{value}`, `{nothing: true}` where no value came out (Step Functions fails the state
 * then), or `{error}`.
 */
import { createInterface } from "node:readline";
import jsonata from "jsonata";

const answer = async ({ expression, bindings, now }) => {
  try {
    const value = await jsonata(expression).evaluate({}, { ...bindings, millis: () => now });
    return value === undefined ? { nothing: true } : { value };
  } catch (error) {
    return { error: `${error.code}: ${error.message}` };
  }
};

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await Promise.all(JSON.parse(line).map(answer)))}\n`);
}
