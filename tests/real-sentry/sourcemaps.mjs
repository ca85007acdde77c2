// Source maps at the real Sentry, with and without `artifact_bundles_v2`: what is uploaded is listed,
// looked up and downloaded.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

const OPTION = 'sourcemaps.artifact_bundles.assemble_with_missing_chunks';

const source = (name) => `export const ${name} = (order) => {\n  const total = order.price;\n  return total;\n};\n`;

// Scripts that are their sources, line for line.
function build(folder, names) {
  fs.mkdirSync(path.join(folder, 'dist'), { recursive: true });
  for (const name of names) {
    const text = source(name);
    const map = {
      version: 3, sources: [`../src/${name}.ts`], sourcesContent: [text], names: [], mappings: 'AAAA;AACA;AACA;AACA',
    };
    fs.writeFileSync(path.join(folder, 'dist', `${name}.js`), `${text}//# sourceMappingURL=${name}.js.map\n`);
    fs.writeFileSync(path.join(folder, 'dist', `${name}.js.map`), JSON.stringify(map));
  }
}

const idOf = (script) => /^\/\/# debugId=(\S+)$/m.exec(fs.readFileSync(script, 'utf8'))[1];

export function sourcemaps({ told, sentry, project, finishline, printed, script, temp }) {
  let builds = 0;
  const built = (names) => {
    const folder = path.join(temp, `build-${builds += 1}`);
    build(folder, names);
    return folder;
  };
  const upload = (cwd, inputs) => finishline({ sourcemaps: 'dist', projects: 'web', ...inputs }, 'sourcemaps', cwd);

  const proven = async (has, inputs) => {
    await script('option.sh', {}, [OPTION, has ? 'True' : 'False']);
    // An option reaches the server's processes some seconds later.
    for (;;) {
      const { accept } = (await sentry('GET', 'chunk-upload/')).body;
      if (accept.includes('artifact_bundles_v2') === has) break;
      await new Promise((resolve) => { setTimeout(resolve, 200); });
    }
    const cwd = built([`cart${has}`, `list${has}`]);
    const run = await upload(cwd, inputs);
    told(run, 0, { status: 'complete', changed: 'true', 'sourcemap-count': '2', warnings: 'sourcemaps-published' });
    const id = idOf(path.join(cwd, 'dist', `cart${has}.js`));
    const [bundle] = (await project('GET', `files/artifact-bundles/?query=${id}`)).body;
    assert.equal(bundle.bundleId, run['sourcemap-bundle-id']);
    assert.equal(bundle.fileCount, 4);
    const { files } = (await project('GET', `artifact-bundles/${bundle.bundleId}/files/`)).body;
    const listed = files.find((file) => file.filePath === `~/cart${has}.js`);
    assert.equal(listed.debugId, id);
    const [found] = (await project('GET', `artifact-lookup/?debug_id=${id}`)).body;
    assert.equal(found.resolved_with, 'debug-id');
    // What is downloaded leads a frame to its source.
    const frame = `https://acme.io/cart${has}.js:4:3`;
    const explained = await printed(['sourcemaps', 'explain', frame], 0, { projects: 'web' });
    assert.ok(explained.includes(`../src/cart${has}.ts:3`), explained);
    const again = await upload(cwd, inputs);
    told(again, 0, { status: 'complete', changed: 'false', 'sourcemap-bundle-id': bundle.bundleId });
    return bundle;
  };

  return {
    async 'source maps are uploaded, listed and looked up at a server that tells no missing chunks'() {
      const bundle = await proven(false, { release: 'maps@1', dist: '7' });
      assert.deepEqual(bundle.associations, [{ release: 'maps@1', dist: '7' }]);
    },

    async 'the same at a server that tells them'() {
      const bundle = await proven(true, { release: 'maps@2' });
      assert.deepEqual(bundle.associations, [{ release: 'maps@2', dist: null }]);
    },

    async 'without a release they are found by their ids alone'() {
      await proven(true, {});
    },

    async 'a release uploads its source maps before its deploy'() {
      const cwd = built(['shop']);
      const inputs = { release: 'maps@3', projects: 'web', environment: 'production', sourcemaps: 'dist', commits: 'none' };
      told(await finishline(inputs, 'run', cwd), 0, { status: 'complete', release: 'maps@3', 'sourcemap-count': '1' });
      const id = idOf(path.join(cwd, 'dist', 'shop.js'));
      assert.equal((await project('GET', `artifact-lookup/?debug_id=${id}`)).body.length, 1);
      const deploys = (await sentry('GET', 'releases/maps@3/deploys/')).body;
      assert.deepEqual(deploys.map((deploy) => deploy.environment), ['production']);
    },

    async 'a project that is not there is named, and nothing is linked'() {
      const cwd = built(['other']);
      const run = await upload(cwd, { projects: 'web,nowhere' });
      assert.notEqual(run.exit, 0);
      assert.match(run['error-message'], /nowhere/);
    },
  };
}
