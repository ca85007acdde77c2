// The figures as a table for a terminal, as a chart, and as the page in the docs.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import os from "node:os";

const PAGE = "docs/performance.md";
const CHART = "docs/performance.svg";
const COLUMNS = ["", "requests", "median ms", "min", "max", "CPU ms", "peak MiB", "ratio"];

/** What the figures were measured on. */
export function machine() {
  const said = (program, ...words) => execFileSync(program, words, { encoding: "utf8" }).trim();
  const cpu = (os.cpus()[0]?.model ?? "unknown").replaceAll("(R)", "");
  return `${os.cpus().length} × ${cpu}, ${said("uname", "-sr")}, ${said("rustc", "--version")}`;
}

const number = (value) => (value >= 100 ? value.toFixed(0) : value.toFixed(1));

/** One line for each contestant; the ratio is what finishline takes of the other's time. */
function lines(rows) {
  return rows.map((row) => {
    const own = rows.findLast((one) => one.what === row.what && one.name.startsWith("finishline"));
    const ratio = row.name.startsWith("finishline") ? "" : (own.median / row.median).toFixed(2);
    const requests = row.requests === undefined ? "" : `${row.requests} on ${row.connections}`;
    const figures = [row.median, row.min, row.max, row.cpu, row.memory].map(number);
    return [row.name, requests, ...figures, ratio];
  });
}

function groups(rows) {
  return [...new Set(rows.map((row) => row.what))].map((what) => rows.filter((row) => row.what === what));
}

/** The table for a terminal. */
export function table(rows) {
  const line = ([name, ...figures]) => name.padEnd(20) + figures.map((one) => one.padStart(11)).join("");
  const group = (of) => ["", of[0].what, ...lines(of).map(line)];
  return [line(COLUMNS), ...groups(rows).flatMap(group)].join("\n");
}

function markdown(rows) {
  // The page leaves out the extremes, what the chart has, and what no row has.
  rows = rows.filter(({ what }) => !what.endsWith(", 20 ms"));
  const isShown = (_, column) =>
    !["min", "max", "CPU ms"].includes(COLUMNS[column]) &&
    (COLUMNS[column] !== "requests" || rows.some((row) => row.requests));
  const head = ["what", "who", ...COLUMNS.filter(isShown).slice(1)];
  const rule = head.map((_, column) => (column < 2 ? "---" : "---:"));
  const body = groups(rows).flatMap((group) =>
    lines(group).map((cells, place) => [place === 0 ? group[0].what : "", ...cells.filter(isShown)]),
  );
  return [head, rule, ...body].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Bars for the release job: a group for each delay. */
export function chart(rows) {
  const shown = groups(rows.filter((row) => row.what.startsWith("release and deploy")));
  const most = Math.max(...shown.flat().map((row) => row.median));
  const bar = 18;
  let y = 34;
  const parts = [];
  for (const group of shown) {
    parts.push(`<text class="head" x="0" y="${y}">${group[0].what.replace("release and deploy, ", "")} a response</text>`);
    y += 10;
    for (const row of group) {
      const width = Math.max(1, (row.median / most) * 480);
      const kind = row.name === "finishline" ? "own" : "other";
      parts.push(`<text x="0" y="${y + 13}">${row.name}</text>`);
      parts.push(`<rect class="${kind}" x="90" y="${y}" width="${width.toFixed(1)}" height="${bar - 4}" rx="2"/>`);
      parts.push(`<text x="${(96 + width).toFixed(1)}" y="${y + 13}">${number(row.median)} ms</text>`);
      y += bar;
    }
    y += 24;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 660 ${y}" width="660" height="${y}" role="img">
<title>The time of a release with its deploy</title>
<style>
text { font: 12px system-ui, sans-serif; fill: #24292f }
.head { font-weight: 600 }
.own { fill: #6d4aff }
.other { fill: #b6b9c2 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .own { fill: #a38bff } .other { fill: #5b606b } }
</style>
<text class="head" x="0" y="12">A release with refs, finalized and deployed: median time</text>
${parts.join("\n")}
</svg>
`;
}

/** How many budgets hold, and those that do not. */
function verdicts(judged) {
  const others = judged.filter(({ verdict }) => verdict !== "holds");
  const lines = others.map(({ name, figure, bound, verdict }) => `- ${name}: ${figure}, and ${bound} is the budget${verdict === "on record" ? ", on record" : ""}`);
  return [`${judged.length - others.length} of ${judged.length} hold.`, ...lines].join("\n");
}

/** What was counted of uploads, in a sentence for each contestant. */
function counted(counts) {
  return counts.map(({ name, first, again, changed }) =>
    `- ${name}: ${first} requests for a new upload, ${again} where nothing changed; ` +
    `${number(changed * 100)} % of the bytes where 1 % of the scripts changed.`).join("\n");
}

/** Puts what came out between the marks of the page, and draws the chart. A part that was not measured stays. */
export function document({ machine, runs, sourcemaps }) {
  const measuredOn = `Measured on ${machine}.`;
  const parts = {
    "sourcemaps-machine": measuredOn,
    sourcemaps: `${markdown(sourcemaps.rows)}\n\n${counted(sourcemaps.counts)}`,
    "sourcemaps-budgets": verdicts(sourcemaps.judged),
  };
  if (runs) {
    parts.machine = measuredOn;
    parts.table = markdown(runs.rows);
    parts.budgets = verdicts(runs.judged);
    parts.manifest = `\`\`\`text\n${runs.manifest.said}\n\`\`\``;
  }
  let page = readFileSync(PAGE, "utf8");
  for (const [name, text] of Object.entries(parts)) {
    const marks = new RegExp(`(<!-- ${name} -->)[^]*?(<!-- /${name} -->)`);
    page = page.replace(marks, (_, begin, end) => `${begin}\n\n${text}\n\n${end}`);
  }
  writeFileSync(PAGE, page);
  if (runs) writeFileSync(CHART, chart(runs.rows));
}
