// Scripts with source maps, and who injects and uploads them. Each piece of work has a fresh copy of
// the tree, made before its time begins.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import path from "node:path";

const JUDGES = "tests/conformance/sourcemaps";

/** A tree of so many scripts, made once. */
export function tree(base, scripts) {
  const folder = path.join(base, `scripts-${scripts}`);
  if (!existsSync(path.join(folder, "expect.json"))) {
    rmSync(folder, { recursive: true, force: true });
    execFileSync("python3", [`${JUDGES}/make_tree.py`, folder, "--files", String(scripts)]);
  }
  return folder;
}

/** The server of both: it keeps what is sent in memory. */
export async function chunkBackend(folder) {
  const port = path.join(folder, "chunk-backend.port");
  rmSync(port, { force: true });
  const words = ["--port", "0", "--port-file", port, "--bundles", path.join(folder, "bundles")];
  const child = spawn("python3", ["tests/conformance/lib/sentry_backend.py", ...words], { stdio: "ignore" });
  while (!existsSync(port) || readFileSync(port, "utf8").trim() === "") await sleep(20);
  return { url: `http://127.0.0.1:${readFileSync(port, "utf8").trim()}`, end: () => child.kill() };
}

/** Inject and upload, by both. */
export function uploads({ finishline, npm, home, token, url, source }) {
  const cli = path.join(npm, "@sentry/cli-linux-x64/bin/sentry-cli");
  const env = { SENTRY_URL: url, SENTRY_AUTH_TOKEN: token, SENTRY_ORG: "acme", SENTRY_PROJECT: "web" };
  const copy = (id) => {
    const folder = path.join(home, `tree-${id}`);
    rmSync(path.join(home, "tree-last"), { recursive: true, force: true });
    execFileSync("sh", ["-c", `rm -rf "${home}"/tree-*; cp -r "${source}" "${folder}"`]);
    return folder;
  };
  const work = (words) => (id) => ({ words, env, cwd: copy(id), home });
  const upload = `${cli} sourcemaps upload --release v1 --wait dist`;
  return [
    { name: "finishline", work: work([finishline, "sourcemaps", "dist", "--release", "v1"]) },
    { name: "sentry-cli", work: work(["sh", "-ec", `${cli} sourcemaps inject dist\n${upload}`]) },
  ];
}
