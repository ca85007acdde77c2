// Does the stack of an error in a deployed script lead to the right original line, by debug ids and the
// uploaded bundle alone?
//   judge.mjs --tree DIR --bundle FILE [--self-test]
//   judge.mjs --tree DIR --program FILE [--self-test]    injects and uploads DIR/dist before
// DIR holds scripts as they are deployed and expect.json, as make_tree.py writes it. With --self-test
// the bundle is then broken in eight ways, each of which must be found.
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { openBundle } from './bundle.mjs';
import { startUploads } from './program.mjs';
import { frameFaults, idsOf, lookUp, original, readStack } from './resolve.mjs';

const LOAD = fileURLToPath(new URL('load.mjs', import.meta.url));
const SHOWN = 5;

// What load.mjs tells of these scripts.
export function load(files) {
  const child = spawnSync(process.execPath, [LOAD], { input: JSON.stringify({ files }), encoding: 'utf8', maxBuffer: 1 << 30 });
  if (child.status !== 0) throw new Error(`the scripts cannot be loaded: ${child.stderr.slice(0, 2000)}`);
  return JSON.parse(child.stdout.slice(child.stdout.lastIndexOf('\n{') + 1));
}

// What is wrong with one script of the tree.
function scriptFaults(file, want, seen, entries) {
  const faults = [];
  if (seen.load[file]) faults.push(`it does not load: ${seen.load[file]}`);
  if (want.strict !== undefined && seen.strict[want.key] !== want.strict) faults.push('its strict mode changed');
  const ids = idsOf(file, seen.ids);
  if (ids.length !== 1) return [...faults, `${ids.length} ids are registered for it`];
  const { faults: wrong, map } = lookUp(entries, ids[0], fs.readFileSync(file));
  faults.push(...wrong);
  if (!map) return faults;
  const [frame] = readStack(seen.stacks[want.key] ?? '');
  if (frame?.file !== file) return [...faults, 'it is not in the stack'];
  return [...faults, ...frameFaults(original(map, frame), want)];
}

// What is wrong with each script of a tree, by its path.
export function judge(tree, expect, seen, bundle) {
  const faults = bundle.faults.map((fault) => ['the bundle', fault]);
  const owners = new Map();
  for (const [name, want] of Object.entries(expect)) {
    const file = path.join(tree, name);
    faults.push(...scriptFaults(file, want, seen, bundle.entries).map((fault) => [name, fault]));
    for (const id of idsOf(file, seen.ids)) {
      const other = owners.get(id);
      if (other && !fs.readFileSync(file).equals(fs.readFileSync(other))) faults.push([name, `it shares its id with ${other}`]);
      owners.set(id, file);
    }
  }
  return faults;
}

function editMap(entry, edit) {
  const json = JSON.parse(entry.read().toString('utf8'));
  edit(json);
  entry.read = () => Buffer.from(JSON.stringify(json));
}

const BREAKAGES = {
  'a line too many in the map': ({ map }) => editMap(map, (json) => { json.mappings = `;${json.mappings}`; }),
  'a line too few in the map': ({ map }) => editMap(map, (json) => { json.mappings = json.mappings.replace(/^;/, ''); }),
  'an empty map': ({ map }) => editMap(map, (json) => { json.mappings = ''; }),
  'another id in the map': ({ map }) => editMap(map, (json) => { json.debugId = '00000000-0000-4000-8000-000000000000'; }),
  'no source text': ({ map }) => editMap(map, (json) => { delete json.sourcesContent; }),
  'sources in another order': ({ map }) => editMap(map, (json) => { json.sources.reverse(); json.sourcesContent.reverse(); }),
  'a map without its id in the manifest': ({ map }) => { delete map.id; },
  'an older script': ({ script }) => {
    const { read } = script;
    script.read = () => Buffer.concat([read(), Buffer.from('\n')]);
  },
};

// The breakages that are not found in the bundle of a right tree.
function unfoundBreakages(tree, expect, seen, bytes) {
  const [name, want] = Object.entries(expect)[0];
  const [id] = idsOf(path.join(tree, name), seen.ids);
  return Object.entries(BREAKAGES).filter(([, damage]) => {
    const bundle = openBundle(bytes);
    const named = (type) => bundle.entries.find((entry) => entry.id === id && entry.type === type);
    damage({ map: named('source_map'), script: named('minified_source') });
    return judge(tree, { [name]: want }, seen, bundle).length === 0;
  });
}

// The bundle that the program sends of a tree.
async function uploadTree(program, tree) {
  const uploads = await startUploads(path.resolve(program), `${tree}.uploads`);
  const { status, said, bytes } = await uploads.upload(tree, ['--release', 'shop@1.0', 'dist']);
  uploads.stop();
  if (status !== 0) throw new Error(`the upload ends with ${status}: ${said}`);
  return bytes;
}

async function main() {
  const { values } = parseArgs({
    options: { tree: { type: 'string' }, bundle: { type: 'string' }, program: { type: 'string' }, 'self-test': { type: 'boolean' } },
  });
  const tree = fs.realpathSync(values.tree);
  const expect = JSON.parse(fs.readFileSync(path.join(tree, 'expect.json'), 'utf8'));
  const names = Object.keys(expect);
  const bytes = values.program ? await uploadTree(values.program, tree) : fs.readFileSync(values.bundle);
  const seen = load(names.map((name) => path.join(tree, name)));
  const faults = judge(tree, expect, seen, openBundle(bytes));
  faults.slice(0, SHOWN).forEach(([name, fault]) => console.log(`  ${name}: ${fault}`));
  const wrong = new Set(faults.map(([name]) => name));
  console.log(`${names.filter((name) => !wrong.has(name)).length} of ${names.length} scripts lead to the right line; ${faults.length} faults`);
  if (faults.length || !values['self-test']) return faults.length ? 1 : 0;
  const unfound = unfoundBreakages(tree, expect, seen, bytes);
  unfound.forEach(([name]) => console.log(`  not found: ${name}`));
  console.log(`${Object.keys(BREAKAGES).length - unfound.length} of ${Object.keys(BREAKAGES).length} breakages are found`);
  return unfound.length ? 1 : 0;
}

if (import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) process.exit(await main());
