// Reads a bundle of Sentry's as its server does: a ZIP archive behind eight bytes, with a manifest.
import zlib from 'node:zlib';

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const END_SIZE = 22;
const LONGEST_COMMENT = 0xffff;
const STORED = 0;
const DEFLATED = 8;
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function endOfDirectory(bytes) {
  const first = Math.max(0, bytes.length - END_SIZE - LONGEST_COMMENT);
  for (let at = bytes.length - END_SIZE; at >= first; at--) {
    if (bytes.readUInt32LE(at) === END) return at;
  }
  throw new Error('the archive has no end of central directory');
}

// The files of an archive by their names; its offsets may count from its own start or from the file's.
export function readZip(bytes) {
  const end = endOfDirectory(bytes);
  const count = bytes.readUInt16LE(end + 10);
  const start = end - bytes.readUInt32LE(end + 12);
  const shift = start - bytes.readUInt32LE(end + 16);
  const files = new Map();
  for (let at = start, left = count; left > 0; left--) {
    if (bytes.readUInt32LE(at) !== ENTRY) throw new Error('the central directory is broken');
    const [nameSize, extraSize, commentSize] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
    const name = bytes.toString('utf8', at + 46, at + 46 + nameSize);
    const method = bytes.readUInt16LE(at + 10);
    const size = bytes.readUInt32LE(at + 20);
    const local = bytes.readUInt32LE(at + 42) + shift;
    if (bytes.readUInt32LE(local) !== LOCAL) throw new Error(`the local header of ${name} is broken`);
    const data = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    files.set(name, { method, read: () => unpack(bytes.subarray(data, data + size), method) });
    at += 46 + nameSize + extraSize + commentSize;
  }
  return files;
}

function unpack(raw, method) {
  if (method === STORED) return raw;
  if (method === DEFLATED) return zlib.inflateRawSync(raw);
  throw new Error(`an old server cannot read compression ${method}`);
}

// The entries of a bundle, and what is wrong with it as a whole.
export function openBundle(bytes) {
  const faults = [];
  if (bytes.toString('latin1', 0, 4) !== 'SYSB' || bytes.readUInt32LE(4) !== 2) faults.push('the bundle has no head');
  const archive = readZip(bytes);
  const manifest = JSON.parse(archive.get('manifest.json').read().toString('utf8'));
  for (const [name, { method }] of archive) {
    if (name !== 'manifest.json' && !manifest.files[name]) faults.push(`${name} is not in the manifest`);
    if (method !== STORED && method !== DEFLATED) faults.push(`${name} has compression ${method}`);
  }
  if (!UUID.test(manifest.debug_id ?? '')) faults.push('the bundle has no id of its own');
  const entries = Object.entries(manifest.files).flatMap(([name, { type, url, headers = {} }]) => {
    const file = archive.get(name);
    if (!file) faults.push(`the manifest names ${name}, which is not there`);
    const named = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]));
    return file ? [{ type, url, id: named['debug-id'], read: file.read }] : [];
  });
  return { manifest, entries, faults };
}

// The text of a `data:` URL.
export function readDataUrl(url) {
  const [, base64, data] = /^data:[^,]*?(;base64)?,(.*)$/s.exec(url);
  return base64 ? Buffer.from(data, 'base64').toString() : decodeURIComponent(data);
}
