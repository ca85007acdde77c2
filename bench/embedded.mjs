// Installs and plans on the embedded backend among few and among many: whether what is there already
// makes them dearer. One organization has it all, which is the worst case.
//
//   node bench/embedded.mjs PROGRAM [FEW] [MANY]
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [program, ...sizes] = process.argv.slice(2);
const [few, many] = [500, 10000].map((size, n) => Number(sizes[n] ?? size));
/** How many entries are measured at once. */
const MEASURED = Math.min(few, 500);
/** How much dearer an entry may be among many. */
const SLACK = 1.2;
/** How often each is measured; the quickest counts. */
const ROUNDS = 3;

const folder = mkdtempSync(join(tmpdir(), "finishline-bench-"));
const env = { HOME: folder, OPSGENIE_KEY: "0123-4567" };
const database = join(folder, "embedded.db");
let next = 0;

/** A manifest of accounts that are not there yet. */
function manifest(count) {
  const entry = (_, n) =>
    `  - {provider: opsgenie, org: acme, state: {baseUrl: "https://api.opsgenie.com/", ` +
    `provider: team-${next + n}, apiKey: "\${OPSGENIE_KEY}"}}\n`;
  const file = join(folder, `${next}.yml`);
  writeFileSync(file, `version: 1\nintegrations:\n${Array.from({ length: count }, entry).join("")}`);
  next += count;
  return file;
}

/** The time of an entry in ms. */
function run(command, file, count) {
  const args = [command, "--manifest", file, "--backend", "embedded", "--database", database];
  const began = process.hrtime.bigint();
  const ended = spawnSync(resolve(program), [...args, "--timeout", "30m", "--log-level", "error"], {
    env,
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (ended.status !== 0) throw new Error(`${command}: exit ${ended.status}: ${ended.stderr.slice(-2000)}`);
  return Number(process.hrtime.bigint() - began) / 1e6 / count;
}

/** Fills the file up to so many, and measures installs and plans there. */
function measure(count) {
  // What is measured counts too.
  while (next < count - ROUNDS * MEASURED) {
    const missing = Math.min(5000, count - ROUNDS * MEASURED - next);
    run("run", manifest(missing), missing);
  }
  const rounds = Array.from({ length: ROUNDS }, () => {
    const file = manifest(MEASURED);
    return { install: run("run", file, MEASURED), plan: run("plan", file, MEASURED) };
  });
  const least = (name) => Math.min(...rounds.map((round) => round[name]));
  return { install: least("install"), plan: least("plan") };
}

const failures = [];
try {
  const [before, after] = [measure(few), measure(many)];
  for (const name of ["install", "plan"]) {
    const ratio = after[name] / before[name];
    const figures = `${before[name].toFixed(2)} ms among ${few}, ${after[name].toFixed(2)} ms among ${many}`;
    console.log(`embedded ${name}: ${figures}, ratio ${ratio.toFixed(2)}`);
    if (ratio > SLACK) failures.push(`an embedded ${name} is ${ratio.toFixed(2)} times as dear among ${many}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
failures.forEach((failure) => console.error(`not met: ${failure}`));
process.exit(failures.length === 0 ? 0 : 1);
