// Runs the program on each tree of tests/vectors/sourcemaps.json and holds the result to its goal.
//   vectors.mjs PROGRAM WORK [NAME…]    with VERBOSE set it shows what the program says
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { frameFaults, inlineMap, original, readMap } from './resolve.mjs';
import { startUploads } from './program.mjs';

const [program, work, ...only] = process.argv.slice(2);
const { vectors } = JSON.parse(fs.readFileSync(new URL('../../vectors/sourcemaps.json', import.meta.url), 'utf8'));
const SCRIPT = /\.[cm]?js$/;
const SNIPPET = '_sentryDebugIds';
const COMMENT = /^\/\/# debugId=(\S+)/m;
// A script without a map is an error, unless `allow-empty` is given.
const WITHOUT_MAP = ['no-map', 'map-missing', 'guess-ambiguous', 'comment-only', 'template-lines-no-map'];
// What is refused: exit code 2.
const REFUSED = ['broken-map-among-good', 'bad-vlq', 'not-utf8', 'release-with-slash'];
const INPUT_ERROR = 2;

function write(tree, name, content) {
  const file = path.join(tree, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  if (typeof content === 'string') fs.writeFileSync(file, content);
  else if (content.base64 !== undefined) fs.writeFileSync(file, Buffer.from(content.base64, 'base64'));
  else if (content.symlink) fs.symlinkSync(content.symlink, file);
  else if (content.parts) fs.writeFileSync(file, content.parts.map((part) => (Array.isArray(part) ? part[0].repeat(part[1]) : part)).join(''));
  else fs.writeFileSync(file, content.text);
  if (content.mode) fs.chmodSync(file, Number.parseInt(content.mode, 8));
}

// The bytes and the mode of each file, by its name.
function snapshot(tree, names) {
  const files = names.map((name) => [name, path.join(tree, name)]).filter(([, file]) => fs.statSync(file, { throwIfNoEntry: false })?.isFile());
  return new Map(files.map(([name, file]) => [name, { bytes: fs.readFileSync(file), mode: fs.statSync(file).mode }]));
}

const isSame = (one, other) => one.bytes.equals(other.bytes) && one.mode === other.mode;
const changed = (before, after) => [...before].filter(([name, file]) => !isSame(file, after.get(name))).map(([name]) => name);
const behaviour = (tree, files) =>
  new Map([...files.keys()].filter((name) => SCRIPT.test(name)).map((name) => [name, spawnSync(process.execPath, [path.join(tree, name)], { encoding: 'utf8' }).stdout]));

// The place of a probe's word in a script, as a frame has it.
function place(text, token) {
  const before = text.slice(0, text.indexOf(token)).split('\n');
  return { line: before.length, column: before.at(-1).length };
}

function probeFaults(name, text, probes, bundle) {
  const id = COMMENT.exec(text)?.[1];
  const entries = bundle?.entries.filter((entry) => entry.id === id) ?? [];
  const script = entries.find(({ type }) => type === 'minified_source');
  if (script?.read().toString('utf8') !== text) return [`${name} is not in the bundle under its id`];
  const map = entries.find(({ type }) => type === 'source_map')?.read().toString('utf8') ?? inlineMap(text);
  if (map === undefined) return [`the map of ${name} is not in the bundle`];
  const read = readMap(map);
  return probes.flatMap((probe) => {
    const found = original(read, place(text, probe.token));
    // Text of a source that is nowhere cannot be had.
    const faults = frameFaults(found && { ...found, text: found.text ?? '' }, { ...probe, text: '' });
    return faults.map((fault) => `${probe.token} of ${name}: ${fault}`);
  });
}

// A script without what injection adds.
function withoutInjection(text) {
  return text.split('\n').filter((line) => !line.includes(SNIPPET) && !COMMENT.test(line)).join('\n').trimEnd();
}

function goalFaults({ goal, probes, input }, tree, before, after, run) {
  const faults = [];
  const text = (name) => after.get(name).bytes.toString('utf8');
  const scripts = [...after.keys()].filter((name) => SCRIPT.test(name));
  const fail = (is, fault) => is && faults.push(fault);
  fail(run.bundle?.faults.length, run.bundle?.faults.join(', '));
  for (const name of goal.untouched ?? []) fail(!isSame(before.get(name), after.get(name)), `${name} is touched`);
  if (goal.probes_by_bundle) {
    for (const [name, list] of Object.entries(probes)) faults.push(...probeFaults(name, text(name), list, run.bundle));
  }
  if (goal.warned) fail(!Object.keys(input).some((name) => run.said.includes(name)), 'no file is named');
  for (const name of scripts) {
    fail(before.get(name).mode !== after.get(name).mode, `the mode of ${name} changed`);
    fail(text(name).split(`${SNIPPET}[`).length > 2, `${name} has more than one snippet`);
  }
  if (goal.one_snippet) fail(!scripts.every((name) => text(name).includes(SNIPPET)), 'a snippet is missing');
  if (goal.snippet_first) fail(!scripts.every((name) => text(name).split('\n')[0].includes(SNIPPET)), 'the snippet is not on the first line');
  if (goal.id_kept) fail(!scripts.every((name) => COMMENT.exec(text(name))?.[1] === COMMENT.exec(before.get(name).bytes)?.[1]), 'the id changed');
  if (goal.map_gets_id_of_script) {
    for (const name of scripts) fail(!text(`${name}.map`).includes(COMMENT.exec(before.get(name).bytes)[1]), 'the map has another id');
  }
  if (goal.other_bytes_unchanged) {
    for (const name of scripts) fail(withoutInjection(text(name)) !== withoutInjection(before.get(name).bytes.toString('utf8')), `other bytes of ${name} changed`);
  }
  return faults;
}

// What is wrong with how a run ends that was not allowed to meet a script without a map.
function emptyFaults({ status, said }, names) {
  if (status !== INPUT_ERROR) return [`without --allow-empty the exit code is ${status}`];
  const scripts = names.filter((name) => SCRIPT.test(name));
  return scripts.every((name) => said.includes(name)) ? [] : ['without --allow-empty no script is named'];
}

async function judge(vector, uploads) {
  const tree = path.join(work, 'tree');
  fs.rmSync(tree, { recursive: true, force: true });
  const names = Object.keys(vector.input);
  names.forEach((name) => write(tree, name, vector.input[name]));
  const before = snapshot(tree, names);
  const behaved = behaviour(tree, before);
  const release = vector.upload_args.includes('--release') ? vector.upload_args.slice(0, 2) : [];
  const args = [...release, ...vector.inject_args];
  const faults = [];
  if (WITHOUT_MAP.includes(vector.name)) {
    faults.push(...emptyFaults(await uploads.upload(tree, args), [...before.keys()]));
    args.push('--allow-empty');
  }
  const run = await uploads.upload(tree, args);
  const after = snapshot(tree, names);
  faults.push(...goalFaults(vector, tree, before, after, run));
  const expected = REFUSED.includes(vector.name) ? INPUT_ERROR : 0;
  if (run.status !== expected) faults.push(`the exit code is ${run.status}, not ${expected}`);
  for (const [name, said] of behaviour(tree, after)) {
    if (said !== behaved.get(name)) faults.push(`${name} behaves otherwise`);
  }
  const again = await uploads.upload(tree, args);
  const twice = changed(after, snapshot(tree, names));
  if (twice.length) faults.push(`a second run changes ${twice}`);
  if (again.status !== run.status) faults.push(`the second run ends with ${again.status}, not ${run.status}`);
  return { faults, run };
}

const uploads = await startUploads(path.resolve(program), path.join(work, 'uploads'));
let right = 0;
const chosen = vectors.filter(({ name }) => !only.length || only.includes(name));
for (const vector of chosen) {
  const { faults, run } = await judge(vector, uploads);
  if (process.env.VERBOSE) console.log(vector.name, run.status, vector.goal.note ?? '', '\n' + run.said.trimEnd().replace(/^/gm, '      '));
  right += faults.length === 0 ? 1 : 0;
  faults.forEach((fault) => console.log(`  ${vector.name}: ${fault}`));
}
uploads.stop();
console.log(`${right} of ${chosen.length} vectors reach their goal, ${chosen.filter(({ peer_bug: isBug }) => isBug).length} of them where sentry-cli does not`);
process.exit(right === chosen.length ? 0 : 1);
