// Builds the application of sources.mjs with the bundlers of the npm registry, each in several ways.
// BUNDLERS_MODULES names the folder with the bundlers.
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { FILES } from './sources.mjs';

const modules = process.env.BUNDLERS_MODULES ?? process.cwd();
const require = createRequire(path.join(modules, 'x.js'));
const load = async (name) => {
  const found = await import(pathToFileURL(require.resolve(name)));
  return found.default ?? found;
};
const binary = (name) => path.join(modules, '.bin', name);
const TARGET = 'es2022';
const TYPESCRIPT = Object.keys(FILES).filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'));

function run(cwd, program, ...args) {
  const child = spawnSync(program, args, { cwd, encoding: 'utf8', env: { ...process.env, NODE_ENV: 'production', CI: 'true' } });
  if (child.status !== 0) throw new Error(`${path.basename(program)} ended with ${child.status}: ${child.stdout}${child.stderr}`);
}

const page = (folder, ...scripts) =>
  fs.writeFileSync(path.join(folder, 'dist/index.html'), `<!doctype html><title>shop</title>${scripts.map((script) => `<script ${script}></script>`).join('')}\n`);

// webpack and Rspack take the same options, but for the loader of TypeScript.
const pack = (name, options) => async (folder) => {
  const bundler = await load(name);
  const loader = name === 'webpack'
    ? { loader: require.resolve('esbuild-loader'), options: { target: TARGET } }
    : { loader: 'builtin:swc-loader', options: { jsc: { parser: { syntax: 'typescript' }, target: TARGET } } };
  const extract = name === 'webpack' ? await load('mini-css-extract-plugin') : bundler.CssExtractRspackPlugin;
  const { target, main = 'main', output, ...rest } = options;
  const config = {
    mode: 'production', context: folder, target, devtool: 'source-map', cache: false, entry: { app: `./src/${main}.ts` },
    output: { path: path.join(folder, 'dist'), filename: 'js/[name].[contenthash:8].js', ...(main === 'page' && { publicPath: 'auto' }), ...output },
    resolve: { extensions: ['.ts', '.js'] },
    module: {
      rules: [
        { test: /\.ts$/, use: [loader] },
        { test: /\.css$/, type: 'javascript/auto', use: [extract.loader, { loader: require.resolve('css-loader'), options: { sourceMap: true } }] },
      ],
    },
    plugins: [new extract({ filename: 'css/[name].css' })],
    performance: false,
    ...rest,
  };
  const stats = await new Promise((resolve, reject) => bundler(config, (error, done) => (error ? reject(error) : resolve(done))));
  if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }));
  if (main === 'page') {
    const scripts = stats.toJson({ all: false, entrypoints: true }).entrypoints.app.assets.map(({ name: asset }) => asset);
    page(folder, ...scripts.filter((asset) => asset.endsWith('.js')).map((asset) => `defer src="${asset}"`));
  }
};

// A page whose modules are in chunks of their own.
const SPLIT = {
  splitChunks: { chunks: 'all', minSize: 0, cacheGroups: { shop: { test: /cart|windows/, name: 'shop', enforce: true } } },
  runtimeChunk: 'single',
};
const MODULES = {
  target: 'node',
  output: { module: true, filename: '[name].mjs', chunkFilename: '[name].mjs', library: { type: 'module' } },
};
const packs = (name) => ({
  [`${name}-page`]: { page: true, build: pack(name, { target: 'web', main: 'page', optimization: SPLIT }) },
  [`${name}-commonjs-hidden`]: { entry: /app/, build: pack(name, { target: 'node', devtool: 'hidden-source-map', output: { library: { type: 'commonjs2' } } }) },
  [`${name}-inline`]: { entry: /app/, build: pack(name, { target: 'node', devtool: 'inline-source-map', optimization: { minimize: false } }) },
  [`${name}-modules`]: { entry: /app/, build: pack(name, { ...MODULES, experiments: name === 'webpack' ? { outputModule: true } : {} }) },
  [`${name}-cheap`]: { isCoarse: true, entry: /app/, build: pack(name, { target: 'node', devtool: 'cheap-module-source-map', optimization: { minimize: false } }) },
});

const vite = (build) => async (folder) => {
  const { build: bundle } = await load('vite');
  await bundle({ root: folder, configFile: false, logLevel: 'error', base: './', build: { outDir: 'dist', sourcemap: true, minify: true, ...build } });
};
const library = (...formats) => ({ lib: { entry: 'src/main.ts', formats, fileName: (format, name) => `${name}.${format === 'es' ? 'mjs' : 'cjs'}` } });

const esbuild = (options) => async (folder) => {
  const { build } = await load('esbuild');
  await build({
    absWorkingDir: folder, entryPoints: ['src/main.ts'], outdir: 'dist', bundle: true, minify: true, sourcemap: true,
    target: TARGET, logLevel: 'error', platform: 'node', format: 'esm', ...options,
  });
  if (options.entryPoints?.[0] === 'src/page.ts') page(folder, 'type="module" src="page.js"');
};

// Rollup with esbuild for TypeScript and Terser for the output, as its users put them together.
const rollup = (output, main = 'main') => async (folder) => {
  const [{ rollup: bundle }, { transform }, { minify }] = [await load('rollup'), await load('esbuild'), await load('terser')];
  const typescript = {
    name: 'typescript',
    resolveId: (name, from) => (from && name.startsWith('.') && !path.extname(name) ? `${path.resolve(path.dirname(from), name)}.ts` : null),
    async transform(text, id) {
      if (id.endsWith('.css')) return { code: '', map: { mappings: '' } };
      return transform(text, { loader: 'ts', target: TARGET, sourcemap: 'external', sourcefile: id });
    },
  };
  const terser = {
    name: 'terser',
    async renderChunk(text, chunk, { format }) {
      return minify(text, { module: format === 'es', toplevel: true, sourceMap: true });
    },
  };
  const built = await bundle({ input: path.join(folder, `src/${main}.ts`), plugins: [typescript, terser], onwarn() {} });
  await built.write({ dir: path.join(folder, 'dist'), sourcemap: true, ...output });
  if (main === 'page') page(folder, 'type="module" src="page.js"');
};

const tsc = (...options) => async (folder) => {
  const files = TYPESCRIPT.filter((name) => name !== 'page.ts').map((name) => `src/${name}`);
  run(folder, binary('tsc'), '--outDir', 'dist', '--rootDir', 'src', '--target', TARGET, '--moduleResolution', 'bundler', '--types', '', '--lib', 'es2022,dom', ...options, ...files);
};

const swc = (options) => async (folder) => {
  const { transformFile } = await load('@swc/core');
  fs.mkdirSync(path.join(folder, 'dist'), { recursive: true });
  for (const name of TYPESCRIPT.filter((file) => file !== 'page.ts')) {
    const out = path.join(folder, 'dist', name.replace(/ts$/, 'js'));
    const { code, map } = await transformFile(path.join(folder, 'src', name), {
      swcrc: false, configFile: false, sourceMaps: true, minify: true,
      jsc: { parser: { syntax: 'typescript' }, target: TARGET, minify: { mangle: true, compress: true } },
      sourceFileName: `../src/${name}`, inlineSourcesContent: true, ...options,
    });
    // As the command line of SWC writes them.
    fs.writeFileSync(out, map ? `${code}\n//# sourceMappingURL=${path.basename(out)}.map` : code);
    if (map) fs.writeFileSync(`${out}.map`, map);
  }
};
const swcCli = async (folder) => {
  fs.writeFileSync(path.join(folder, '.swcrc'), JSON.stringify({ jsc: { parser: { syntax: 'typescript' }, target: TARGET }, module: { type: 'commonjs' }, minify: true, sourceMaps: true }));
  run(folder, binary('swc'), 'src', '-d', 'dist', '--strip-leading-paths', '--only', '**/!(page|*.d).ts');
};

const parcel = (...options) => async (folder) => {
  run(folder, binary('parcel'), 'build', 'index.html', '--no-cache', '--dist-dir', 'dist', '--public-url', './', ...options);
};

// What Metro writes: a plain bundle, the same as bytecode of Hermes, and an indexed RAM bundle.
async function metro(folder) {
  const dist = path.join(folder, 'dist');
  fs.mkdirSync(dist, { recursive: true });
  const text = [
    'var __BUNDLE_START_TIME__=this.nativePerformanceNow?nativePerformanceNow():Date.now(),__DEV__=false;',
    '__d(function(g,r,i,a,m,e,d){throw new Error("metro")},0,[]);',
    '__r(0);',
    '',
  ].join('\n');
  const map = JSON.stringify({
    version: 3, sources: ['/shop/index.ts'], sourcesContent: ['throw new Error("metro");\n'], names: [], mappings: ';4BAAA',
    x_facebook_sources: [[{ names: ['<global>'], mappings: 'AAA' }]],
  });
  fs.writeFileSync(path.join(dist, 'index.android.bundle'), Buffer.from('c61fbc03c103191f0000005f00000000', 'hex'));
  fs.writeFileSync(path.join(dist, 'index.android.bundle.map'), map);
  fs.writeFileSync(path.join(dist, 'main.jsbundle'), Buffer.from('e5d10bfb0200000010000000', 'hex'));
  fs.writeFileSync(path.join(dist, 'main.jsbundle.map'), map);
  fs.writeFileSync(path.join(dist, 'index.ios.bundle'), `${text}//# sourceMappingURL=index.ios.bundle.map\n`);
  fs.writeFileSync(path.join(dist, 'index.ios.bundle.map'), map);
}

// Maps that packages of the registry bring along, by many tools of many years.
const PACKAGES = [
  '@parcel/fs', '@parcel/package-manager', '@jridgewell', '@xtuc/long', 'ajv', 'js-yaml', 'msgpackr', 'lmdb',
  'source-map-support', 'object-traversal', 'human-signals', 'minimatch',
];
const LARGEST_MAP = 150_000;
async function packages(folder) {
  for (const name of PACKAGES.filter((one) => fs.existsSync(path.join(modules, one)))) {
    const files = fs.readdirSync(path.join(modules, name), { recursive: true }).map((file) => path.join(name, file));
    for (const map of files.filter((file) => /\.[cm]?js\.map$/.test(file))) {
      const script = map.slice(0, -'.map'.length);
      const isWhole = files.includes(script) && fs.statSync(path.join(modules, map)).size < LARGEST_MAP;
      for (const file of isWhole ? [script, map] : []) {
        const copy = path.join(folder, 'dist', file.replaceAll('node_modules', 'nested'));
        fs.mkdirSync(path.dirname(copy), { recursive: true });
        fs.copyFileSync(path.join(modules, file), copy);
      }
    }
  }
}

const ESM = { format: 'es', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' };
const COMMONJS = { format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: '[name]-[hash].cjs' };
const HEAD = '#!/usr/bin/env node\n/*! licence\r\n * of all */\r\n';
// Each file by itself.
const SINGLE = { bundle: false, entryPoints: TYPESCRIPT.filter((name) => name !== 'page.ts').map((name) => `src/${name}`) };

// entry: what Node loads; page: what Chromium loads; without either, the files are compared alone.
export const TREES = {
  ...packs('webpack'),
  ...packs('@rspack/core'),
  'vite-page': { page: true, build: vite({}) },
  'vite-page-hidden': { page: true, build: vite({ sourcemap: 'hidden', target: 'es2020' }) },
  'vite-commonjs': { entry: /\.cjs$/, build: vite(library('cjs')) },
  'vite-modules-inline': { entry: /\.mjs$/, build: vite({ ...library('es'), sourcemap: 'inline' }) },
  'rollup-page': { page: true, build: rollup({ format: 'es' }, 'page') },
  'rollup-modules': { entry: /main\.mjs$/, build: rollup({ ...ESM, banner: '"use client";' }) },
  'rollup-commonjs-ids': { entry: /main\.cjs$/, build: rollup({ ...COMMONJS, sourcemapDebugIds: true }) },
  'rollup-commonjs-crlf': { entry: /main\.cjs$/, build: rollup({ ...COMMONJS, sourcemap: 'inline', banner: HEAD }) },
  'rollup-modules-hidden': { entry: /main\.mjs$/, build: rollup({ format: 'es', entryFileNames: '[name].mjs', preserveModules: true, sourcemap: 'hidden', sourcemapExcludeSources: true }) },
  'esbuild-page': { page: true, build: esbuild({ entryPoints: ['src/page.ts'], splitting: true, platform: 'browser' }) },
  'esbuild-modules': { entry: /main\.mjs$/, build: esbuild({ splitting: true, outExtension: { '.js': '.mjs' }, charset: 'utf8' }) },
  'esbuild-commonjs-inline': { entry: /main\.js$/, build: esbuild({ format: 'cjs', sourcemap: 'inline' }) },
  'esbuild-script-hidden': { entry: /main\.js$/, build: esbuild({ format: 'iife', sourcemap: 'external', banner: { js: '#!/usr/bin/env node' } }) },
  'esbuild-files': { entry: /main\.js$/, build: esbuild({ ...SINGLE, format: 'cjs', supported: { 'dynamic-import': false } }) },
  'tsc-commonjs': { entry: /main\.js$/, build: tsc('--module', 'commonjs', '--sourceMap', '--inlineSources', '--newLine', 'crlf', '--emitBOM') },
  'tsc-modules': { build: tsc('--module', 'esnext', '--sourceMap') },
  'tsc-commonjs-inline': { entry: /main\.js$/, build: tsc('--module', 'commonjs', '--inlineSourceMap', '--inlineSources') },
  'swc-commonjs': { entry: /main\.js$/, build: swc({ module: { type: 'commonjs' } }) },
  'swc-modules': { build: swc({ module: { type: 'es6' } }) },
  'swc-inline': { entry: /main\.js$/, build: swc({ module: { type: 'commonjs' }, sourceMaps: 'inline' }) },
  'swc-cli': { entry: /main\.js$/, build: swcCli },
  'parcel-page': { page: true, build: parcel() },
  'parcel-page-scopes': { page: true, build: parcel('--no-scope-hoist') },
  packages: { build: packages },
  // The plain bundle is a script like any other.
  metro: { isLeftAlone: (file) => !file.startsWith('index.ios.'), build: metro },
};
