// Who does what, in whose words. Each `work(id)` is one piece of it that nobody has done before.
import path from "node:path";

const HEAD = "a".repeat(40);

// A release with refs, finalized and deployed, by everybody who can do it.
export function releases({ finishline, npm, home, url, token }) {
  const env = { SENTRY_URL: url, SENTRY_AUTH_TOKEN: token, SENTRY_ORG: "acme", SENTRY_PROJECT: "web" };
  const cli = path.join(npm, "@sentry/cli-linux-x64/bin/sentry-cli");
  const node = path.join(npm, "node/bin/node");
  const sentry = path.join(npm, "sentry/dist/bin.cjs");
  // One shell starts the commands that a job would, and does nothing else.
  const shell = (...commands) => ["sh", "-ec", commands.join("\n")];
  return [
    {
      name: "finishline",
      work: (id) => ({
        words: [finishline, "run", "--release", `web@${id}`, "--environment", "production"],
        env: { ...env, FINISHLINE_COMMITS: `acme/web@${HEAD}` },
        cwd: home,
        home,
      }),
    },
    { name: "curl", work: (id) => ({ words: curl(url, token, `web@${id}`), cwd: home, home }) },
    {
      name: "sentry-cli",
      work: (id) => ({
        words: shell(
          `${cli} releases new --finalize web@${id}`,
          `${cli} releases set-commits web@${id} --commit acme/web@${HEAD}`,
          `${cli} deploys new --release web@${id} --env production`,
        ),
        env: { ...env, SENTRY_LOG_LEVEL: "error" },
        cwd: home,
        home,
      }),
    },
    {
      name: "sentry",
      work: (id) => ({
        words: shell(
          `${node} ${sentry} release create acme/web@${id} --project web --finalize`,
          `${node} ${sentry} release set-commits acme/web@${id} --commit acme/web@${HEAD}`,
          `${node} ${sentry} release deploy acme/web@${id} production`,
        ),
        env: { ...env, SENTRY_HOST: url },
        cwd: home,
        home,
      }),
    },
  ];
}

// A step of action-release 3.7 with an environment alone, in a checkout: the calls of sentry-cli that it
// makes, and finishline with the variables that the same step gives it.
export function dropIns({ finishline, npm, home, url, token, checkout }) {
  const env = { SENTRY_URL: url, SENTRY_AUTH_TOKEN: token, SENTRY_ORG: "acme" };
  const cli = path.join(npm, "sentry-cli-2/bin/sentry-cli");
  // For one project it asks an older endpoint, which `serve` does not have.
  const calls = (version) => [
    `${cli} releases new ${version} -p web -p api`,
    `${cli} releases set-commits ${version} --auto --ignore-missing`,
    `${cli} releases finalize ${version}`,
    `${cli} releases deploys ${version} new -e production`,
  ];
  return [
    {
      name: "finishline",
      work: (id) => ({
        words: [finishline, "run"],
        env: { ...env, SENTRY_PROJECT: "web,api", FINISHLINE_ENVIRONMENT: "production", FINISHLINE_RELEASE: `shop@${id}` },
        cwd: checkout,
        home,
      }),
    },
    {
      name: "action-release",
      work: (id) => ({
        words: ["sh", "-ec", calls(`shop@${id}`).join("\n")],
        env: { ...env, SENTRY_LOG_LEVEL: "error" },
        cwd: checkout,
        home,
      }),
    },
  ];
}

// The two requests that are necessary, on one connection.
function curl(url, token, version) {
  const post = (path, body) => [
    ...["--silent", "--show-error", "--fail", "--output", "/dev/null"],
    ...["--header", `Authorization: Bearer ${token}`, "--header", "Content-Type: application/json"],
    ...["--data", JSON.stringify(body), `${url}/api/0/organizations/acme/${path}`],
  ];
  const refs = [{ repository: "acme/web", commit: HEAD }];
  const release = { version, projects: ["web"], refs, dateReleased: new Date().toISOString() };
  const deploy = { environment: "production" };
  return [
    "curl",
    ...post("releases/", release),
    "--next",
    ...post(`releases/${encodeURIComponent(version)}/deploys/`, deploy),
  ];
}

// An Opsgenie integration, in a file of its own or at a server.
export function finishes({ finishline, home, folder, url, token }) {
  const fields = (id) =>
    ["baseUrl=https://api.opsgenie.com/", `provider=${id}`, "apiKey=env:OPSGENIE_KEY"].flatMap(
      (field) => ["--set", field],
    );
  const words = (id, ...more) =>
    [finishline, "run", "--provider", "opsgenie", "--org", "acme", ...fields(id), ...more];
  const key = { OPSGENIE_KEY: "0123-4567" };
  const embedded = (id) => {
    const database = path.join(folder, `${id}.db`);
    return { words: words(id, "--backend", "embedded", "--database", database), env: key, cwd: home, home };
  };
  const remote = (id) => ({
    words: words(id, "--mode", "install"),
    env: { ...key, SENTRY_URL: url, SENTRY_AUTH_TOKEN: token },
    cwd: home,
    home,
  });
  return { embedded: { name: "finishline", work: embedded }, remote: { name: "finishline", work: remote } };
}

// Nothing but to say what one is.
export function versions({ finishline, npm, home }) {
  const say = (name, ...words) => ({ name, work: () => ({ words: [...words, "--version"], cwd: home, home }) });
  return [
    say("finishline", finishline),
    say("curl", "curl"),
    say("sentry-cli", path.join(npm, "@sentry/cli-linux-x64/bin/sentry-cli")),
    say("sentry", path.join(npm, "node/bin/node"), path.join(npm, "sentry/dist/bin.cjs")),
  ];
}

// All commits of a repository but its first, with the files that they touched: read and kept, read
// again where they are known, and read by git alone.
export function histories({ finishline, home, folder, repository, first }) {
  const run = (version, database) => ({
    words: [
      ...[finishline, "run", "--backend", "embedded", "--database", path.join(folder, `${database}.db`)],
      ...["--org", "acme", "--projects", "web", "--release", version, "--commits", "local", "--previous-commit", first],
    ],
    cwd: repository,
    home,
  });
  return [
    { name: "finishline, first", work: (id) => run("web@1", id.replaceAll(/[^a-z0-9]+/g, "-")) },
    { name: "finishline, again", work: () => run("web@1", "again") },
    {
      name: "git log",
      work: () => ({
        words: ["sh", "-c", `git log --name-status ${first}..main >/dev/null`],
        cwd: repository,
        home,
      }),
    },
  ];
}
