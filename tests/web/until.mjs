/** The wait that the tests in Node share. */

const SECONDS = 10;

/** Wait until something is so; throws after ten seconds. @param {() => unknown} so */
export async function until(so) {
  const deadline = performance.now() + SECONDS * 1000;
  while (!so()) {
    if (performance.now() > deadline) throw new Error(`It has not come to this in ${SECONDS} s: ${so}`);
    await new Promise((again) => setTimeout(again, 2));
  }
}
