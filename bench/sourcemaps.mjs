// Scripts with source maps, and who injects and uploads them. Each piece of work has a fresh copy of the
// tree and a server that has seen none of it, both made before its time begins.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import path from "node:path";
import { delayed } from "./delay.mjs";
import { alternate, measured } from "./measure.mjs";

const JUDGES = "tests/conformance";
/** A change of this part of the scripts is what a release mostly is. */
const CHANGED = 0.01;

/** Each size with each delay of an answer, and how often the work is done. */
const CASES = [
  { scripts: 10, delay: 0, rounds: 7 },
  { scripts: 10, delay: 100, rounds: 5 },
  { scripts: 500, delay: 0, rounds: 3 },
  { scripts: 500, delay: 100, rounds: 3 },
  { scripts: 3000, delay: 0, rounds: 3 },
  { scripts: 3000, delay: 100, rounds: 1 },
];

/** The rows of the table, and what was counted: `{ rows, counts }`. */
export async function sourcemaps({ quick, base, measure, ...place }) {
  const backend = await chunkBackend(place.folder);
  try {
    const rows = [];
    for (const { scripts, delay, rounds } of quick ? CASES.slice(0, 1) : CASES) {
      const source = tree(base, scripts);
      const relay = delay > 0 ? await delayed(backend.url, delay) : { url: backend.url, close() {} };
      const what = `${scripts} scripts, ${delay} ms`;
      const contestants = uploads({ ...place, backend, url: relay.url, source, trees: `${scripts}-${delay}` });
      for (const [name, figures] of await alternate(measure, contestants, quick ? 2 : rounds)) {
        rows.push({ what, name, ...figures });
      }
      relay.close();
      console.error(`measured: source maps of ${what}`);
    }
    const at = (scripts, trees) => uploads({ ...place, backend, url: backend.url, source: tree(base, scripts), trees });
    const counts = await count(measure, backend, at(10, "small"), at(quick ? 10 : 3000, "large"));
    return { rows, counts };
  } finally {
    backend.end();
    execFileSync("sh", ["-c", 'rm -rf "$1"/tree-*', "sh", place.home]);
  }
}

/** What each sends for a new tree and for the same one again, and for one of which a little changed. */
async function count(measure, backend, small, large) {
  const counts = [];
  for (const [place, { name, work, again }] of small.entries()) {
    const sent = async (piece) => {
      const before = backend.log().length;
      await measured(measure, piece);
      const requests = backend.log().slice(before);
      const bytes = requests.reduce((sum, request) => sum + request.body_bytes, 0);
      return { requests: requests.length, bytes };
    };
    const first = await sent(work(`new-${name}`));
    const same = await sent(again(`new-${name}`));
    const whole = await sent(large[place].work(`whole-${name}`));
    const changed = await sent(large[place].changed(`changed-${name}`));
    counts.push({ name, first: first.requests, again: same.requests, changed: changed.bytes / whole.bytes });
  }
  return counts;
}

/** A tree of so many scripts, made once. */
function tree(base, scripts) {
  const folder = path.join(base, `scripts-${scripts}`);
  if (!existsSync(path.join(folder, "expect.json"))) {
    rmSync(folder, { recursive: true, force: true });
    execFileSync("python3", [`${JUDGES}/sourcemaps/make_tree.py`, folder, "--files", String(scripts)]);
  }
  return folder;
}

/** The server of both: it keeps what is sent in memory, until it is told to forget it. */
async function chunkBackend(folder) {
  const port = path.join(folder, "chunk-backend.port");
  rmSync(port, { force: true });
  const words = [`${JUDGES}/lib/sentry_backend.py`, "--port", "0", "--port-file", port];
  const child = spawn("python3", words, { stdio: "ignore" });
  while (!existsSync(port) || readFileSync(port, "utf8").trim() === "") await sleep(20);
  const url = `http://127.0.0.1:${readFileSync(port, "utf8").trim()}`;
  const control = (...words) => {
    const limits = { encoding: "utf8", maxBuffer: 1 << 28 };
    return execFileSync("curl", ["--silent", "--show-error", "--fail", ...words], limits);
  };
  return {
    url,
    forget: () => control("--request", "POST", `${url}/__ctl/reset`),
    log: () => JSON.parse(control(`${url}/__ctl/log`)),
    end: () => child.kill(),
  };
}

/** Inject and upload, by both. Neither waits for what the server makes of a bundle. `trees` names the copies. */
function uploads({ finishline, npm, home, token, backend, url, source, trees }) {
  const cli = path.join(npm, "@sentry/cli-linux-x64/bin/sentry-cli");
  const env = { SENTRY_URL: url, SENTRY_AUTH_TOKEN: token, SENTRY_ORG: "acme", SENTRY_PROJECT: "web" };
  const place = (id) => path.join(home, `tree-${trees}-${id}`);
  const copied = (id) => {
    const folder = place(id);
    // No tree is deleted before the end: ext4 is slow to make a file where many went a moment ago.
    execFileSync("sh", ["-c", 'cp -r "$1" "$2"; sync -f "$2"', "sh", source, folder]);
    return folder;
  };
  const contestant = (name, words) => {
    const piece = (cwd, release) => ({ words: words(release), env, cwd, home });
    return {
      name,
      work: (id) => {
        backend.forget();
        return piece(copied(id), "v1");
      },
      again: (id) => piece(place(id), "v1"),
      changed: (id) => {
        const folder = copied(id);
        change(path.join(folder, "dist"));
        return piece(folder, "v2");
      },
    };
  };
  const own = [finishline, "sourcemaps", "dist", "--sourcemaps-wait=false"];
  const both = (release) => `${cli} sourcemaps inject dist\n${cli} sourcemaps upload --release ${release} dist`;
  return [
    contestant("finishline", (release) => [...own, "--release", release]),
    contestant("sentry-cli", (release) => ["sh", "-ec", both(release)]),
  ];
}

/** Adds a statement to some of the scripts, evenly spread. */
function change(folder) {
  const files = readdirSync(folder, { recursive: true }).map(String);
  const scripts = files.filter((file) => file.endsWith(".js")).sort();
  const step = Math.round(1 / CHANGED);
  const some = scripts.filter((_, at) => at % step === Math.min(step, scripts.length) - 1);
  for (const script of some.map((file) => path.join(folder, file))) {
    const text = readFileSync(script, "utf8");
    writeFileSync(script, text.replace("\n//# sourceMappingURL=", "void 0;\n//# sourceMappingURL="));
  }
}
