// Many integrations at once against `serve` behind a delay: how long the manifest takes beside the
// least that its requests can take, whether its memory grows, and what a second run writes.
//
//   node bench/manifest.mjs PROGRAM [INTEGRATIONS] [ORGANIZATIONS] [DELAY_MS] [AT_ONCE]
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { delayed } from "./delay.mjs";

const [program, ...sizes] = process.argv.slice(2);
const defaults = [1000, 50, 50, 32];
const [integrations, organizations, delay, atOnce] = defaults.map((size, n) => Number(sizes[n] ?? size));
const TOKEN = "the-token-of-the-benchmark";
/** How much longer than its requests alone a run may take. */
const SLACK = 1.15;
/** What an entry may leave behind in memory, in KiB: its inputs and its outcome. */
const MOST_KEPT = 8;

const folder = mkdtempSync(join(tmpdir(), "finishline-bench-"));
const env = { HOME: folder, SENTRY_AUTH_TOKEN: TOKEN, OPSGENIE_KEY: "0123-4567" };
const failures = [];

function expect(holds, words) {
  if (!holds) failures.push(words);
}

const slug = (n) => `org-${n % organizations}`;

function manifest(count) {
  const entry = (_, n) =>
    `  - {provider: opsgenie, org: ${slug(n)}, state: {baseUrl: "https://api.opsgenie.com/", ` +
    `provider: team-${n}, apiKey: "\${OPSGENIE_KEY}"}}\n`;
  const file = join(folder, `${count}.yml`);
  writeFileSync(file, `version: 1\nintegrations:\n${Array.from({ length: count }, entry).join("")}`);
  return file;
}

/** Starts `serve` with the organizations; its address, and how to end it. */
async function serve(database) {
  const orgs = Array.from({ length: organizations }, (_, n) => ["--org", `org-${n}`]).flat();
  const args = ["serve", "--listen", "127.0.0.1:0", "--database", join(folder, database), ...orgs];
  const child = spawn(resolve(program), args, { env, stdio: ["ignore", "pipe", "ignore"] });
  const line = await new Promise((heard) => child.stdout.once("data", heard));
  return { url: String(line).trim().replace("listening on ", ""), end: () => child.kill() };
}

/** The most memory that a process has used so far, in KiB; 0 where the system does not tell. */
function peak(pid) {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Runs the manifest behind the proxy. */
async function run(file, proxy) {
  const before = { ...proxy.counts };
  const args = ["run", "--manifest", file, "--url", proxy.url, "--max-parallel", String(atOnce)];
  const began = process.hrtime.bigint();
  const child = spawn(resolve(program), [...args, "--timeout", "30m", "--log-level", "error"], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (text) => (said = (said + text).slice(-2000)));
  let most = 0;
  const watch = setInterval(() => (most = Math.max(most, peak(child.pid))), 10);
  const code = await new Promise((ended) => child.once("close", ended));
  const took = Number(process.hrtime.bigint() - began) / 1e6;
  clearInterval(watch);
  expect(code === 0, `${file}: exit ${code}: ${said}`);
  const since = (name) => proxy.counts[name] - before[name];
  const [requests, writes, connections] = ["requests", "writes", "connections"].map(since);
  const least = Math.ceil((requests * delay) / atOnce);
  return { took, least, requests, writes, connections, most };
}

function tell(what, { took, least, requests, writes, connections, most }) {
  const ratio = (took / least).toFixed(3);
  console.log(
    `${what}: ${took.toFixed(0)} ms, least ${least} ms, ratio ${ratio}; ${requests} requests, ` +
      `${writes} writes, ${connections} connections; peak ${(most / 1024).toFixed(1)} MiB`,
  );
}

/** How many integrations each organization has, asked behind the proxy's back. */
async function there(url) {
  const headers = { Authorization: `Bearer ${TOKEN}` };
  const accounts = [];
  for (let n = 0; n < organizations; n += 1) {
    const answer = await fetch(`${url}/api/0/organizations/org-${n}/integrations/`, { headers });
    accounts.push(...(await answer.json()).map((one) => `${n}/${one.name}`));
  }
  return { count: accounts.length, distinct: new Set(accounts).size };
}

async function measure(count) {
  const server = await serve(`${count}.db`);
  const proxy = await delayed(server.url, delay);
  try {
    const file = manifest(count);
    const first = await run(file, proxy);
    tell(`${count} integrations`, first);
    const { count: all, distinct } = await there(server.url);
    expect(all === count && distinct === count, `${all} integrations, ${distinct} different ones`);
    const second = await run(file, proxy);
    tell(`${count} again`, second);
    expect(second.writes === 0, `the second run makes ${second.writes} writes`);
    return first;
  } finally {
    proxy.close();
    server.end();
  }
}

try {
  const few = await measure(Math.ceil(integrations / 10));
  const many = await measure(integrations);
  expect(many.took <= SLACK * many.least, `${many.took.toFixed(0)} ms is over ${SLACK} × ${many.least} ms`);
  const growth = (many.most - few.most) / (integrations - Math.ceil(integrations / 10));
  console.log(`memory: ${growth.toFixed(1)} KiB for each further entry`);
  expect(growth <= MOST_KEPT, `each further entry keeps ${growth.toFixed(1)} KiB`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
failures.forEach((failure) => console.error(`not met: ${failure}`));
process.exit(failures.length === 0 ? 0 : 1);
