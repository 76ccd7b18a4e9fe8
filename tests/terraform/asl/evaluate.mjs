/**
 * Evaluates JSONata expressions as Step Functions does, with the reference implementation.
 *
 * Reads a JSON list from standard input: `{expression, bindings, now}` each, `now` in milliseconds since the epoch. Writes one answer
 * for each: `{value}`, `{nothing: true}` where no value came out (Step Functions fails the state then), or `{error}`.
 */
import { readFileSync } from "node:fs";
import jsonata from "jsonata";

const answer = async ({ expression, bindings, now }) => {
  try {
    const value = await jsonata(expression).evaluate({}, { ...bindings, millis: () => now });
    return value === undefined ? { nothing: true } : { value };
  } catch (error) {
    return { error: `${error.code}: ${error.message}` };
  }
};

const cases = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(await Promise.all(cases.map(answer))));
