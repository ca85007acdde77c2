// The application that all bundlers build: TypeScript with what real ones have in it, and functions that
// throw at known places. `register` keeps them where a judge finds them.
import fs from 'node:fs';
import path from 'node:path';

const CRLF = (text) => text.replaceAll('\n', '\r\n');
const BOM = '\ufeff';

// A function that throws, and tells by itself whether it is strict.
const boom = (key) => `
register("${key}", function (this: unknown): never {
  const parts: string[] = ["${key}", "failed"];
  if (parts.length > 1) throw new Error(parts.join(" "));
  throw new TypeError("${key} cannot fail");
}, (function (this: unknown) { return this === undefined; })());
`;

// Enough ordinary code that a map has something to be compared with.
const code = (name) => `
export interface ${name}Line { name: string; price: number; count?: number }

/** What the lines of a ${name} cost together. */
export function ${name}Total(lines: ${name}Line[], discount = 0): number {
  const prices = lines.map(({ price, count = 1 }) => price * count);
  const sum = prices.reduce((total, price) => total + price, 0);
  return Math.max(0, sum - (sum * discount) / 100);
}

export class ${name}Basket<Item extends ${name}Line> {
  private items: Item[] = [];
  constructor(readonly owner: string, protected limit: number = 50) {}
  add(item: Item): this {
    if (this.items.length >= this.limit) throw new RangeError(\`\${this.owner} has too many: \${this.limit}\`);
    this.items.push(item);
    return this;
  }
  async *pages(size: number): AsyncGenerator<Item[]> {
    for (let at = 0; at < this.items.length; at += size) yield this.items.slice(at, at + size);
  }
  get total() { return ${name}Total(this.items); }
}

export enum ${name}State { Open = "open", Paid = "paid-ü-日本-😀" }
export const ${name}Names = (lines: ${name}Line[]) => lines.filter((line) => line.name?.length > 0).map((line) => line.name.trim());
register("use-${name}", Object.assign(() => new ${name}Basket<${name}Line>(${name}State.Paid).add({ name: "a", price: 2 }).total, { names: ${name}Names }), true, false);
`;

const IMPORT = 'import { register } from "./probe";\n';

export const FILES = {
  'probe.ts': `// Where a judge finds what throws.
type Boom = () => unknown;
interface Kept { __boom?: Record<string, Boom>; __strict?: Record<string, boolean>; __used?: Record<string, Boom> }
export function register(key: string, boom: Boom, isStrict: boolean, throws = true): void {
  const kept = globalThis as unknown as Kept;
  if (throws) (kept.__boom ??= {})[key] = boom;
  else (kept.__used ??= {})[key] = boom;
  (kept.__strict ??= {})[key] = isStrict;
}
`,
  'types.ts': '// Types alone: nothing is left of them.\nexport interface Address { street: string }\nexport type Names = string[];\n',
  'cart.ts': `import type { Address } from "./types";\n${IMPORT}${code('cart')}export const place: Address = { street: "S" };\n${boom('cart')}`,
  'client.ts': `"use client";\n${IMPORT}${code('client')}${boom('client')}`,
  'windows.ts': CRLF(`/* saved by a Windows editor */\n${IMPORT}${code('windows')}${boom('windows')}`),
  'marked.ts': `${BOM}${IMPORT}${code('marked')}${boom('marked')}`,
  'lazy.ts': `${IMPORT}${code('lazy')}${boom('lazy')}export default "lazy";\n`,
  'main.ts': `// The beginning of everything.
import { cartTotal } from "./cart";
import "./client";
import "./windows";
import "./marked";
import type { Names } from "./types";
${IMPORT}${boom('main')}
const names: Names = ["main", String(cartTotal([]))];
(globalThis as unknown as { __loaded: Promise<unknown> }).__loaded = import("./lazy").then((lazy) => [...names, lazy.default]);
`,
  'page.ts': 'import "./style.css";\nimport "./main";\n',
  'style.css': `/* a sheet with a map of its own */\n.cart > .line { color: #123456; margin: 0 auto }\n@media print { .cart { display: none } }\n`,
  'types-of-style.d.ts': 'declare module "*.css";\n',
};

export const KEYS = ['main', 'cart', 'client', 'windows', 'marked', 'lazy'];

// Where each of them throws: source and line; tools name the column of `throw`, of `new` or of what is made.
export const PLACES = Object.fromEntries(KEYS.map((key) => {
  const lines = FILES[`${key}.ts`].split('\n');
  const at = lines.findIndex((line) => line.includes('throw new Error(parts'));
  return [key, { source: `src/${key}.ts`, line: at + 1, columns: ['throw', 'new Error', 'Error('].map((word) => lines[at].indexOf(word)), text: 'throw new Error(parts' }];
}));

export function writeSources(folder) {
  fs.mkdirSync(path.join(folder, 'src'), { recursive: true });
  for (const [name, text] of Object.entries(FILES)) fs.writeFileSync(path.join(folder, 'src', name), text);
  fs.writeFileSync(path.join(folder, 'index.html'), '<!doctype html><title>shop</title><script type="module" src="./src/page.ts"></script>\n');
  fs.writeFileSync(path.join(folder, 'package.json'), '{"name": "shop", "private": true}\n');
}
