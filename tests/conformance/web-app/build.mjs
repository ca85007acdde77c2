// The smallest build of a web app: a script and its source map in dist/.
import fs from 'node:fs';

const source = 'throw new Error("a bug");\n';
const map = { version: 3, file: 'app.js', sources: ['../src/app.js'], sourcesContent: [source], names: [], mappings: 'AAAA' };
fs.mkdirSync('dist', { recursive: true });
fs.writeFileSync('dist/app.js', `${source}//# sourceMappingURL=app.js.map\n`);
fs.writeFileSync('dist/app.js.map', JSON.stringify(map));
