// What Sentry does with a frame: from the debug id that the script registered to script and map in the
// bundle, and on to the original line. SOURCEMAPS_MODULES names the folder with trace-mapping.
import path from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { UUID, readDataUrl } from './bundle.mjs';

const modules = process.env.SOURCEMAPS_MODULES ?? process.cwd();
const tracing = createRequire(path.join(modules, 'x.js'))('@jridgewell/trace-mapping');
export const { AnyMap, eachMapping, originalPositionFor, sourceContentFor } = tracing;

const FRAME = /^\s*at (?:.*\()?(.+?):(\d+):(\d+)\)?$/;
const COMMENT = /^\/\/# debugId=(\S+)\s*$/gm;
const INLINE = /\/\/[#@] sourceMappingURL=(data:\S+)/;
const GUARD = /^\)\]\}[^\n]*\n/;

// The frames of a stack that are in a file or on a server, as the SDK reads them.
export function readStack(stack) {
  const frames = stack.split('\n').map((line) => FRAME.exec(line)).filter(Boolean);
  return frames
    .map(([, file, line, column]) => ({
      file: file.startsWith('file:') ? fileURLToPath(file) : file,
      line: Number(line),
      column: Number(column) - 1,
    }))
    .filter(({ file }) => path.isAbsolute(file) || /^https?:/.test(file));
}

// The ids that are registered for a file: each key is the stack of the script while it loaded.
export function idsOf(file, registered) {
  return Object.entries(registered).filter(([stack]) => readStack(stack)[0]?.file === file).map(([, id]) => id);
}

export const readMap = (text) => new AnyMap(JSON.parse(text.replace(GUARD, '')));

// The map that a script brings inside itself.
export function inlineMap(text) {
  const url = INLINE.exec(text)?.[1];
  return url === undefined ? undefined : readDataUrl(url);
}

// The names of the sources of a map differ by tool in how they begin.
const folded = (name) =>
  (name ?? '').replace(/^[a-z-]+:\/\/[^/]*\//, '').split('/').filter((part) => part && part !== '.' && part !== '..').join('/');

export function isSameSource(one, other) {
  const [a, b] = [folded(one), folded(other)];
  return a === b || a.endsWith(`/${b}`) || b.endsWith(`/${a}`);
}

// What a deployed script and its id are in the bundle: the text of the map, and what is wrong.
export function lookUp(entries, id, bytes) {
  const faults = [];
  const text = bytes.toString('utf8');
  if (!UUID.test(id ?? '')) return { faults: [`${JSON.stringify(id)} is no lower-case UUID`] };
  const comments = [...text.matchAll(COMMENT)].map((match) => match[1]);
  if (comments.length !== 1 || comments[0] !== id) faults.push(`the comment of the id is ${JSON.stringify(comments)}`);
  const named = (type) => entries.filter((entry) => entry.id === id && entry.type === type);
  const scripts = named('minified_source');
  if (!scripts.length) faults.push('no script of that id in the bundle');
  else if (!scripts.some((script) => bytes.equals(script.read()))) faults.push('the script in the bundle is not the one deployed');
  const map = named('source_map').pop()?.read().toString('utf8') ?? inlineMap(text);
  if (map === undefined) return { faults: [...faults, 'no map of that id in the bundle'] };
  const json = JSON.parse(map.replace(GUARD, ''));
  const field = json.debugId ?? json.debug_id;
  if (field && field !== id) faults.push(`the map has the id ${field}`);
  return { faults, map: new AnyMap(json) };
}

// Where a frame leads by its map, with the source's line there.
export function original(map, { line, column }) {
  const { source, line: originalLine, column: originalColumn } = originalPositionFor(map, { line, column });
  if (source === null) return undefined;
  const content = sourceContentFor(map, source);
  return { source, line: originalLine, column: originalColumn, text: content?.split('\n')[originalLine - 1] };
}

// What is wrong with where a frame leads.
export function frameFaults(found, { source, line, column, text }) {
  if (!found) return ['the frame is not mapped'];
  const at = `${found.source}:${found.line}:${found.column}`;
  if (!isSameSource(found.source, source) || found.line !== line || found.column !== column) {
    return [`the frame leads to ${at}, not ${source}:${line}:${column}`];
  }
  if (found.text === undefined) return ['no source text in the map'];
  return found.text.includes(text ?? '') ? [] : ['the source text has another line there'];
}
