// What has to hold. A budget that cannot be held is on record, with its reason in
// docs/performance.md, and does not break the benchmark.

/** Budgets on record, each with the figure that must not be passed all the same. */
const ON_RECORD = {
  "the program": 14,
  "its memory": 13,
  "its time without a delay": 16,
  "its time at 100 ms a response": 240,
  "an embedded finish": 15,
  "--version": 3,
  "3000 scripts, 0 ms, beside sentry-cli": 0.2,
  "1000 commits beside git log": 1.6,
};

/** Each budget with what came out: `{ name, figure, bound, verdict }`. */
export function budgets({ rows, size, manifest, quick }) {
  const find = finder(rows);
  const { judged, judge } = judgement();
  const release = find("release and deploy, 0 ms");
  judge("requests of a release and its deploy", release.requests, 2, "requests");
  judge("connections of it", release.connections, 1, "connection");
  judge("its time without a delay", release.median, 10, "ms");
  judge("its memory", release.memory, 8, "MiB");
  judge("its time at 100 ms a response", find("release and deploy, 100 ms").median, 220, "ms");
  judge("an embedded finish", find("finish opsgenie, embedded").median, 8, "ms");
  judge("--version", find("--version").median, 2, "ms");
  judge("the program", size / 1e6, 6, "MB");
  for (const commits of quick ? [1000] : [1000, 20000]) {
    const what = `${commits} commits`;
    const ratio = find(what, "finishline, again").median / find(what, "git log").median;
    judge(`${commits} commits beside git log`, ratio, 1, "times");
  }
  const [step, calls] = ["finishline", "action-release"].map((name) => find("a step of action-release, 0 ms", name));
  judge("requests of a step of action-release", step.requests, 2, "requests");
  judge("its time beside its calls", step.median / calls.median, 1, "times");
  for (const delay of [0, 20, 100]) {
    for (const peer of ["sentry-cli", "sentry"]) {
      const what = `release and deploy, ${delay} ms`;
      judge(`${what}, beside ${peer}`, find(what).median / find(what, peer).median, 1, "times");
    }
  }
  // A short one is mostly its beginning and its end.
  const verdict = manifest.holds ? "holds" : quick ? "not judged" : "BROKEN";
  judged.push({ name: "the manifest", figure: "as it says above", bound: "its own", verdict });
  return judged;
}

/** The same of source maps. */
export function sourcemapBudgets({ rows, counts, quick }) {
  const find = finder(rows);
  const { judged, judge } = judgement();
  const own = counts.find(({ name }) => name === "finishline");
  judge("requests of a new upload", own.first, 2, "requests");
  judge("requests where nothing changed", own.again, 1, "requests");
  for (const [scripts, bound] of quick ? [[10, 0.3]] : [[10, 0.3], [500, 0.2], [3000, 0.15]]) {
    const what = `${scripts} scripts, 0 ms`;
    judge(`${what}, beside sentry-cli`, find(what).median / find(what, "sentry-cli").median, bound, "times");
  }
  if (!quick) {
    const most = find("3000 scripts, 0 ms");
    judge("the time of 3000 scripts", most.median / 1000, 4, "s");
    judge("their memory", most.memory, 150, "MiB");
    judge("what is sent of them where 1 % changed", own.changed * 100, 3, "%");
  }
  return judged;
}

function finder(rows) {
  return (what, name = "finishline") => rows.find((row) => row.what === what && row.name === name);
}

function judgement() {
  const judged = [];
  const judge = (name, value, bound, unit) => {
    const verdict = value <= bound ? "holds" : value <= (ON_RECORD[name] ?? bound) ? "on record" : "BROKEN";
    judged.push({ name, figure: `${round(value)} ${unit}`, bound: `${bound} ${unit}`, verdict });
  };
  return { judged, judge };
}

function round(value) {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toFixed(2)));
}
