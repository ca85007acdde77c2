// Trees of real bundlers: every function that throws leads by debug id and bundle to the same place as
// it did by the bundler's own map, in Node and Chromium; every place of every map still does, too; and
// maps that are damaged or of another script are found.
//   bundlers.mjs PROGRAM WORK [NAME…]   CHROMIUM, PAGES_MODULES: the browser, and playwright-core
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { createRequire } from 'node:module';
import { TREES } from './build.mjs';
import { DAMAGES } from './damage.mjs';
import { load } from './judge.mjs';
import { startUploads } from './program.mjs';
import { eachMapping, frameFaults, idsOf, inlineMap, lookUp, original, readMap, readStack, sourceContentFor, isSameSource } from './resolve.mjs';
import { KEYS, PLACES, writeSources } from './sources.mjs';

const [program, work, ...only] = process.argv.slice(2);
const SCRIPT = /\.[cm]?js$/;
const ADDED = /_sentryDebugIds|^\/\/# debugId=/;
const TYPES = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript' };
const INPUT_ERROR = 2;
const BROWSER = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];

const trees = path.join(work, 'trees');
const folderOf = (name) => path.join(trees, name.replace(/[@/]/g, '_'));
const list = (folder) =>
  fs.readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name)).sort();
const snapshot = (folder) => new Map(list(folder).map((file) => [file, fs.readFileSync(file)]));

// The map that a bundler wrote for a script.
function ownMap(file, files) {
  const text = files.get(file).toString('utf8');
  const map = inlineMap(text) ?? files.get(`${file}.map`)?.toString('utf8');
  return map === undefined ? undefined : { text, map: readMap(map) };
}

// ---- what runs ------------------------------------------------------------------------------------

function serveTrees() {
  const server = http.createServer((request, response) => {
    const file = path.join(trees, decodeURIComponent(new URL(request.url, 'http://x').pathname));
    if (!fs.existsSync(file)) return response.writeHead(404).end();
    // Without a charset of its own a script is in that of its page.
    return response.writeHead(200, { 'content-type': `${TYPES[path.extname(file)] ?? 'text/plain'}; charset=utf-8` }).end(fs.readFileSync(file));
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

async function openBrowser() {
  const { chromium } = createRequire(path.join(process.env.PAGES_MODULES, 'x.js'))('playwright-core');
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: BROWSER });
  const server = await serveTrees();
  const base = `http://127.0.0.1:${server.address().port}/`;
  const toFile = (text) => text.replaceAll(base, `${trees}/`);

  // What load.mjs tells of scripts, of the page of a tree, with files in place of their URLs.
  async function visit(folder) {
    const page = await browser.newPage();
    const load = {};
    page.on('pageerror', (error) => { load[folder] = error.message; });
    await page.goto(`${base}${path.relative(trees, folder)}/dist/index.html`);
    await page.waitForFunction(() => globalThis.__boom?.lazy);
    const seen = await page.evaluate(() => {
      const thrown = (boom) => {
        try {
          return String(boom());
        } catch (error) {
          return error.stack;
        }
      };
      const each = (functions) => Object.fromEntries(Object.entries(functions ?? {}).map(([key, run]) => [key, thrown(run)]));
      return { ids: globalThis._sentryDebugIds ?? {}, strict: globalThis.__strict, stacks: each(globalThis.__boom) };
    });
    await page.close();
    const inFiles = (record) => Object.fromEntries(Object.entries(record).map(([key, value]) => [toFile(key), typeof value === 'string' ? toFile(value) : value]));
    return { load, ids: inFiles(seen.ids), strict: seen.strict, stacks: inFiles(seen.stacks) };
  }
  return { visit, close: async () => { await browser.close(); server.close(); } };
}

async function run(tree, folder, browser) {
  if (tree.page) return browser.visit(folder);
  const scripts = list(path.join(folder, 'dist')).filter((file) => SCRIPT.test(file));
  return load(scripts.filter((file) => tree.entry.test(path.basename(file))));
}

// ---- what is compared -----------------------------------------------------------------------------

// Where the functions of a build lead by the bundler's own maps, which is where they must lead later.
function wanted(tree, seen, files) {
  const faults = Object.entries(seen.load).map(([file, error]) => `${path.basename(file)} does not load as built: ${error}`);
  const places = {};
  for (const key of KEYS) {
    const [frame] = readStack(seen.stacks[key] ?? '');
    const own = frame && ownMap(frame.file, files);
    const found = own && original(own.map, frame);
    const place = PLACES[key];
    if (!found) faults.push(`${key} is not mapped as built`);
    else if (found.line !== place.line || !isSameSource(found.source, place.source) || !(tree.isCoarse || place.columns.includes(found.column))) {
      faults.push(`${key} leads to ${found.source}:${found.line}:${found.column} as built`);
    }
    places[key] = { ...found, text: place.text };
  }
  return { faults, places };
}

function probeFaults(places, built, seen, bundle) {
  const faults = Object.entries(seen.load).map(([file, error]) => `${path.basename(file)} does not load: ${error}`);
  for (const key of KEYS) {
    if (seen.strict[key] !== built.strict[key]) faults.push(`the strict mode of ${key} changed`);
    const [frame] = readStack(seen.stacks[key] ?? '');
    if (!frame) {
      faults.push(`${key} is not in the stack`);
      continue;
    }
    const ids = idsOf(frame.file, seen.ids);
    if (ids.length !== 1) {
      faults.push(`${ids.length} ids are registered for the script of ${key}`);
      continue;
    }
    const { faults: wrong, map } = lookUp(bundle.entries, ids[0], fs.readFileSync(frame.file));
    faults.push(...wrong, ...(map ? frameFaults(original(map, frame), places[key]) : []).map((fault) => `${key}: ${fault}`));
  }
  return faults;
}

// Which line of the injected script each line of the built one is; no other byte may differ.
function movedLines(before, after) {
  const strip = (line) => line.replace(/(sourceMappingURL=data:)\S+/, '$1');
  const [old, lines] = [before, after].map((text) => text.replace(/^\ufeff/, '').split('\n').map(strip));
  const moved = [];
  let at = 0;
  for (const line of old) {
    while (at < lines.length && (ADDED.test(lines[at]) && lines[at] !== line)) at++;
    // A last line without an end gets one, as the file has them.
    const isLast = moved.length === old.length - 1;
    if (lines[at] !== line && !(isLast && lines[at] === `${line}\r`)) return undefined;
    moved.push(at++);
  }
  return lines.slice(at).every((line) => !line.trim() || ADDED.test(line)) ? moved : undefined;
}

// Every place of a map leads where it led before, on the line to which it moved.
function scriptFaults(file, files, bundle) {
  const own = ownMap(file, files);
  if (!own) return ['the bundler wrote no map'];
  const now = fs.readFileSync(file);
  const text = now.toString('utf8');
  const id = /^\/\/# debugId=(\S+)/m.exec(text)?.[1];
  const { faults, map } = lookUp(bundle.entries, id, now);
  const moved = movedLines(own.text, text);
  if (!moved) faults.push('other bytes of the script changed');
  if (!map || !moved) return faults;
  const key = (line, { generatedColumn, source, originalLine, originalColumn, name }) => [line, generatedColumn, source, originalLine, originalColumn, name].join('\0');
  const places = (from, line) => {
    const all = new Set();
    eachMapping(from, (mapping) => all.add(key(line(mapping.generatedLine), mapping)));
    return all;
  };
  // Some bundlers map lines behind the script's end; nothing leads there.
  const old = places(own.map, (line) => (moved[line - 1] ?? moved.length + line) + 1);
  const fresh = places(map, (line) => line);
  const lost = [...old].filter((place) => !fresh.has(place));
  if (lost.length) faults.push(`${lost.length} of ${old.size} places lead elsewhere`);
  if (fresh.size !== old.size) faults.push(`${fresh.size} places, not ${old.size}`);
  for (const source of own.map.sources) {
    const content = sourceContentFor(own.map, source);
    if (content !== null && content !== sourceContentFor(map, source)) faults.push(`the text of ${source} changed`);
  }
  return faults;
}

function fileFaults(files, folder, bundle) {
  const faults = [];
  for (const [file, bytes] of files) {
    const name = path.relative(folder, file);
    if (SCRIPT.test(file)) faults.push(...scriptFaults(file, files, bundle).map((fault) => `${name}: ${fault}`));
    else if (!/\.[cm]?js\.map$/.test(file) && !bytes.equals(fs.readFileSync(file))) faults.push(`${name} is touched`);
  }
  return faults;
}

// Each damage to the maps of a tree must be an error that names the scripts of it.
async function damageFaults(tree, folder, files, uploads, tally) {
  const faults = [];
  for (const [damage, harm] of Object.entries(DAMAGES)) {
    // A map of whole lines fits any script.
    const harmed = !tree.isCoarse && harm(files);
    if (!harmed) continue;
    for (const [file, bytes] of files) fs.writeFileSync(file, harmed.files.get(file) ?? bytes);
    const { status, said } = await uploads.upload(folder, ['dist']);
    tally.damages++;
    const unnamed = harmed.named.filter((file) => !said.includes(path.basename(file)));
    if (status !== INPUT_ERROR || unnamed.length) faults.push(`${damage}: exit code ${status}, not named: ${unnamed.map((file) => path.basename(file)).join(', ')}`);
    else tally.found++;
  }
  for (const [file, bytes] of files) fs.writeFileSync(file, bytes);
  return faults;
}

async function leftAloneFaults(tree, folder, uploads) {
  const before = snapshot(path.join(folder, 'dist'));
  const { status, said } = await uploads.upload(folder, ['dist']);
  const faults = status === INPUT_ERROR ? [] : [`the exit code is ${status}`];
  for (const [file, bytes] of before) {
    const name = path.basename(file);
    const isLeftAlone = tree.isLeftAlone(name);
    if (bytes.equals(fs.readFileSync(file)) !== isLeftAlone) faults.push(`${name} is ${isLeftAlone ? 'touched' : 'not injected'}`);
    if (isLeftAlone && !name.endsWith('.map') && !said.includes(name)) faults.push(`${name} is not named`);
  }
  return faults;
}

async function judge(name, tree, uploads, browser, tally) {
  const folder = folderOf(name);
  if (tree.isLeftAlone) return leftAloneFaults(tree, folder, uploads);
  const dist = path.join(folder, 'dist');
  const files = snapshot(dist);
  const isRun = tree.page || tree.entry;
  const built = isRun && await run(tree, folder, browser);
  const { faults, places } = isRun ? wanted(tree, built, files) : { faults: [] };
  faults.push(...await damageFaults(tree, folder, files, uploads, tally));
  const { status, said, bundle } = await uploads.upload(folder, ['--release', 'shop@1.0', 'dist']);
  if (status !== 0 || !bundle) return [...faults, `the exit code is ${status}: ${said}`];
  faults.push(...bundle.faults, ...fileFaults(files, folder, bundle));
  tally.scripts += [...files.keys()].filter((file) => SCRIPT.test(file)).length;
  if (isRun) {
    tally.probes += KEYS.length;
    faults.push(...probeFaults(places, built, await run(tree, folder, browser), bundle));
  }
  const after = snapshot(dist);
  await uploads.upload(folder, ['--release', 'shop@1.0', 'dist']);
  for (const [file, bytes] of snapshot(dist)) if (!bytes.equals(after.get(file))) faults.push(`a second run changes ${path.basename(file)}`);
  return faults;
}

const uploads = await startUploads(path.resolve(program), path.join(work, 'uploads'));
const browser = await openBrowser();
const tally = { scripts: 0, probes: 0, damages: 0, found: 0 };
const names = only.length ? only : Object.keys(TREES);
let wrong = 0;
for (const name of names) {
  const folder = folderOf(name);
  fs.rmSync(folder, { recursive: true, force: true });
  writeSources(folder);
  await TREES[name].build(folder);
  const faults = await judge(name, TREES[name], uploads, browser, tally);
  wrong += faults.length ? 1 : 0;
  faults.forEach((fault) => console.log(`  ${name}: ${fault}`));
}
await browser.close();
uploads.stop();
console.log(`${names.length - wrong} of ${names.length} trees are right: ${tally.scripts} scripts, ${tally.probes} probes; ${tally.found} of ${tally.damages} damages are found`);
process.exit(wrong ? 1 : 0);
