// The benchmark from top to bottom: what is measured, in which order, and what is made of it.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { budgets, sourcemapBudgets } from "./budgets.mjs";
import { dropIns, finishes, histories, releases, versions } from "./contestants.mjs";
import { delayed } from "./delay.mjs";
import { floor } from "./floor.mjs";
import { history } from "./history.mjs";
import { alternate, measured } from "./measure.mjs";
import { sourcemaps } from "./sourcemaps.mjs";
import { chart, document, machine, table } from "./report.mjs";

const option = (name) => process.argv[process.argv.indexOf(name) + 1];
const has = (name) => process.argv.includes(name);
const quick = has("--quick");
/** The one part that is measured, where one is named. */
const only = has("--only") ? option("--only") : undefined;
if (only !== undefined && only !== "sourcemaps") {
  console.error(`there is no part ${only}; the one that can be measured alone is sourcemaps`);
  process.exit(2);
}
const base = option("--folder");
const finishline = path.resolve(has("--binary") ? option("--binary") : "target/release/finishline");
if (!existsSync(finishline)) {
  console.error(`there is no program ${finishline}: let --binary name one`);
  process.exit(2);
}
const TOKEN = "the-token-of-the-benchmark";
/** How often each contestant does the work, by the milliseconds that an answer is held back. */
const ROUNDS = quick ? { 0: 5, 20: 2, 100: 1 } : { 0: 31, 20: 11, 100: 5 };

const folder = path.join(base, "run");
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const measure = path.join(base, "measure");
const place = { finishline, npm: path.join(base, "npm/node_modules"), home: folder, folder, token: TOKEN };

/** Starts `serve` with a project and a linked repository. */
async function serve() {
  const database = path.join(folder, "serve.db");
  const words = ["serve", "--listen", "127.0.0.1:0", "--database", database];
  const child = spawn(finishline, [...words, "--org", "acme", "--project", "web", "--project", "api"], {
    env: { HOME: folder, SENTRY_AUTH_TOKEN: TOKEN, FINISHLINE_APPS: "{}" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = await new Promise((heard) => child.stdout.once("data", heard));
  const link = `INSERT INTO repository (organization_id, name, provider, external_id, url, created_at)
    SELECT id, 'acme/web', 'integrations:github', 'acme/web', 'https://github.com/acme/web', 0 FROM organization`;
  execFileSync("python3", ["-c", `import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as file: file.execute(sys.argv[2])`, database, link]);
  return { url: String(line).trim().replace("listening on ", ""), end: () => child.kill() };
}

const rows = [];

/** Measures a piece of work, and keeps what came out. */
async function row(what, contestants, rounds, counted = new Map()) {
  const taken = await alternate(measure, contestants, rounds);
  for (const [name, figures] of taken) {
    rows.push({ what, name, ...figures, ...counted.get(name) });
  }
  console.error(`measured: ${what}`);
}

/** How many requests on how many connections each contestant makes: counted, not timed. */
async function count(url, contestantsAt) {
  const relay = await delayed(url, 0);
  const counted = new Map();
  for (const contestant of contestantsAt(relay.url)) {
    const before = { ...relay.counts };
    await measured(measure, contestant.work(`count-${contestant.name}`));
    const since = (name) => relay.counts[name] - before[name];
    counted.set(contestant.name, { requests: since("requests"), connections: since("connections") });
  }
  relay.close();
  return counted;
}

async function atDelays(what, url, contestantsAt) {
  const counted = await count(url, contestantsAt);
  for (const delay of [0, 20, 100]) {
    // Without a delay nothing stands between.
    const relay = delay > 0 ? await delayed(url, delay) : { url, close() {} };
    const named = (one) => ({ ...one, work: (id) => one.work(`${delay}-${id}`) });
    await row(`${what}, ${delay} ms`, contestantsAt(relay.url).map(named), ROUNDS[delay], counted);
    relay.close();
  }
}

/** A checkout of the repository that the server has linked. */
function checkedOut() {
  const checkout = path.join(folder, "checkout");
  const git = (...words) => execFileSync("git", ["-C", checkout, ...words]);
  mkdirSync(checkout);
  git("init", "--quiet", "--initial-branch=main");
  git("remote", "add", "origin", "https://github.com/acme/web");
  const who = ["-c", "user.name=a", "-c", "user.email=a@acme.example"];
  for (const message of ["one", "two"]) git(...who, "commit", "--quiet", "--allow-empty", "--message", message);
  return checkout;
}

async function longHistory(commits) {
  const repository = path.join(base, `history-${commits}`);
  await history(repository, commits);
  const git = (...words) => execFileSync("git", ["-C", repository, ...words], { encoding: "utf8" }).trim();
  const first = git("rev-list", "--max-parents=0", "main");
  await row(`${commits} commits`, histories({ ...place, repository, first }), quick ? 2 : 7);
}

/** What an entry of a manifest costs, at a Sentry and on the embedded backend. */
function manifest() {
  const parts = [
    judgedByItself("bench/manifest.mjs", quick ? ["200", "20"] : []),
    judgedByItself("bench/embedded.mjs", quick ? ["100", "1000"] : []),
  ];
  const said = parts.map((part) => part.said).join("\n");
  return { holds: parts.every((part) => part.holds), said };
}

/** A benchmark with a budget of its own. */
function judgedByItself(script, sizes) {
  const words = [script, finishline, ...sizes];
  try {
    const said = execFileSync("node", words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    return { holds: true, said: said.trim() };
  } catch (error) {
    return { holds: false, said: `${error.stdout}${error.stderr}`.trim() };
  }
}

/** All but source maps. */
async function runs() {
  const server = await serve();
  const least = await floor();
  try {
    await atDelays("release and deploy", server.url, (url) => releases({ ...place, url }));
    const checkout = checkedOut();
    await atDelays("a step of action-release", server.url, (url) => dropIns({ ...place, url, checkout }));
    const two = (url) => releases({ ...place, url }).slice(0, 2);
    await row("the same at a server that does nothing", two(least.url), ROUNDS[0]);
    const { embedded, remote } = finishes({ ...place, url: server.url });
    await row("finish opsgenie, embedded", [embedded], ROUNDS[0]);
    const counted = await count(server.url, (url) => [finishes({ ...place, url }).remote]);
    await row("finish opsgenie, remote", [remote], ROUNDS[0], counted);
    await row("--version", versions(place), ROUNDS[0]);
    await longHistory(1000);
    if (!quick) await longHistory(20000);
  } finally {
    server.end();
    least.close();
  }
  const result = { quick, size: statSync(finishline).size, manifest: manifest(), rows };
  console.log(`${table(rows)}\n\nmanifest\n${result.manifest.said}\n`);
  writeFileSync(path.join(base, "release.svg"), chart(rows));
  return { ...result, judged: budgets(result) };
}

/** What is measured of source maps. */
async function uploads() {
  const result = { quick, ...(await sourcemaps({ ...place, quick, base, measure })) };
  console.log(table(result.rows));
  return { ...result, judged: sourcemapBudgets(result) };
}

const result = { machine: machine() };
if (only === undefined) result.runs = await runs();
result.sourcemaps = await uploads();
writeFileSync(path.join(base, "result.json"), `${JSON.stringify(result, null, 1)}\n`);
const judged = [result.runs, result.sourcemaps].flatMap((part) => part?.judged ?? []);
judged.forEach(({ verdict, name, figure, bound }) => console.log(`${verdict.padEnd(12)}${name}: ${figure}, budget ${bound}`));
if (has("--docs")) document(result);
process.exit(judged.some(({ verdict }) => verdict === "BROKEN") ? 1 : 0);
