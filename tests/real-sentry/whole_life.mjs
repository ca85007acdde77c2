// The whole life of what one manifest describes, in three organizations of the real Sentry: made, changed by
// others, set right, removed, pruned and imported.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

const SCM = (org, name, repositories, mappings) => ({
  provider: 'custom_scm', org, state: { name, url: `https://${name}.example.test` }, repositories,
  'code-mappings': mappings.map(([project, repository, stackRoot, sourceRoot]) => (
    { project, repository, stackRoot, sourceRoot, defaultBranch: 'main' }
  )),
});
const example = (org, name) => ({ provider: 'example', org, state: { name } });
const WEB = example('acme', 'web');
const DEPOT = SCM('acme', 'depot', ['acme/web', 'acme/api'], [['web', 'acme/web', 'app/', 'src/'], ['api', 'acme/api', '', 'api/']]);
const PAGERDUTY = { provider: 'pagerduty', org: 'beta', state: { config: '${ACCOUNT}' } };
const FORGE = SCM('beta', 'forge', ['beta/site'], [['web', 'beta/site', 'lib/', 'source/']]);
const SHOP = SCM('gamma', 'shop', ['gamma/shop', 'gamma/till'], []);
const SPARE = example('gamma', 'spare');
const SIX = [WEB, DEPOT, PAGERDUTY, FORGE, SHOP, SPARE];

const ORGS = ['acme', 'beta', 'gamma'];
const account = (key) => ({
  account: { subdomain: 'beta-pager', name: 'beta-pager' },
  integration_keys: [{ integration_key: `s3cr3t-${key}`, name: 'Web', id: 'P1', type: 'service' }],
});
const MAPPINGS = {
  api: 'acme mapping api  -> api/ of acme/api on main',
  web: 'acme mapping web app/ -> src/ of acme/web on main',
  hand: 'acme mapping web by-hand/ -> src/ of acme/web on release',
  site: 'beta mapping web lib/ -> source/ of beta/site on main',
};
const ALL = [
  'acme custom_scm depot', 'acme example web', MAPPINGS.api, MAPPINGS.web, 'acme repository acme/api', 'acme repository acme/web',
  'beta custom_scm forge', MAPPINGS.site, 'beta pagerduty beta-pager s3cr3t-one', 'beta repository beta/site',
  'gamma custom_scm shop', 'gamma example spare', 'gamma repository gamma/shop', 'gamma repository gamma/till',
];

export const wholeLife = ({ printed, sentryOf, script, reset, temp }) => {
  const ask = async (org, method, where, body, status = 200) => {
    const answer = await sentryOf(org)(method, where, body);
    assert.equal(answer.status, status, `${method} ${where}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const run = async (entries, words, exit) => {
    const manifest = path.join(temp, 'life.yml');
    fs.writeFileSync(manifest, JSON.stringify({ version: 1, prune: true, integrations: entries }));
    const inputs = { manifest, org: '', 'max-parallel': '1', ACCOUNT: account('one') };
    const text = await printed([...words, '--format', 'json'], exit, inputs);
    const ended = JSON.parse(text);
    const warnings = [ended, ...ended.entries].flatMap((one) => one.warnings.map(({ slug }) => slug));
    assert.deepEqual(warnings.filter((slug) => !['repeated-install', 'secrets-not-compared'].includes(slug)), [], text);
    return { ended, text };
  };
  const change = (key) => ({ action, kind, name, fields }) => {
    const differing = fields.filter(({ comparison }) => comparison !== 'cannot be compared');
    const side = ({ field, shown, comparison, there, wanted }) => `${field} ${shown ? `${there} → ${wanted}` : comparison}`;
    const of = `${key.match(/\w+\[\d+\]/)[0]} ${action} ${kind} ${name.replace(/^\d+ /, '')}`;
    return action === 'keep' && differing.length === 0 ? [] : [[of, ...differing.map(side)].join(', ')];
  };
  // What would be done, and what is nobody's; the plan is kept to be carried out.
  const plan = async (entries, exit) => {
    const { ended, text } = await run(entries, ['plan', '--exit-code'], exit);
    fs.writeFileSync(path.join(temp, 'life.json'), text);
    const changes = ended.entries.flatMap(({ entry, plan: { changes } }) => changes.flatMap(change(entry)));
    return [...changes, ...ended.unmanaged.map(({ org, kind, name }) => `unmanaged ${org} ${kind} ${name}`)];
  };
  const carryOut = async (entries, changed) => {
    const { ended } = await run(entries, ['run', '--plan', path.join(temp, 'life.json')], 0);
    assert.equal(ended.changed, changed);
    return ended.entries.map(({ integration }) => integration?.id);
  };
  // What Sentry itself lists and does not delete.
  const there = async () => {
    const lines = await Promise.all(ORGS.map(async (org) => {
      const integrations = (await ask(org, 'GET', 'integrations/')).filter((one) => one.organizationIntegrationStatus === 'active');
      const ids = new Set(integrations.map(({ id }) => id));
      const key = (one) => one.configData?.service_table?.map((row) => ` ${row.integration_key}`).join('') ?? '';
      const repositories = (await ask(org, 'GET', 'repos/')).filter((one) => ids.has(one.integrationId));
      const mappings = (await ask(org, 'GET', 'code-mappings/')).filter((one) => ids.has(one.integrationId));
      return [
        ...integrations.map((one) => `${org} ${one.provider.key} ${one.name}${key(one)}`),
        ...repositories.map(({ name }) => `${org} repository ${name}`),
        ...mappings.map((one) => `${org} mapping ${one.projectSlug} ${one.stackRoot} -> ${one.sourceRoot} of ${one.repoName} on ${one.defaultBranch}`),
      ];
    }));
    return lines.flat().sort();
  };
  const organizations = async () => {
    for (const org of ['beta', 'gamma']) {
      await ask('', 'POST', '', { name: org, slug: org, agreeTerms: true }, 201);
      await ask(org, 'POST', 'teams/', { name: 'core', slug: 'core' }, 201);
      await ask(org, 'POST', `../../teams/${org}/core/projects/`, { name: 'web', slug: 'web' }, 201);
    }
  };
  const find = async (org, where, field, value) => (await ask(org, 'GET', where)).find((one) => one[field] === value);
  const mapping = async (org, root, changes) => {
    const known = await find(org, 'code-mappings/', 'stackRoot', root);
    return [known.id, { ...known, repositoryId: known.repoId, ...changes }];
  };
  // What is scheduled is deleted; the integrations of these names are gone then.
  const deleted = async (org, names) => {
    await script('deletions.sh');
    for (let tries = 0; ; tries += 1) {
      const listed = (await ask(org, 'GET', 'integrations/')).map(({ name }) => name);
      if (!names.some((name) => listed.includes(name))) return;
      assert.ok(tries < 60, `${names} of ${org} are never deleted: ${listed}`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  };
  const changeSixThings = async () => {
    await printed(['run'], 0, { org: 'beta', provider: 'pagerduty', state: { config: account('two') } });
    const [branch, released] = await mapping('acme', 'app/', { defaultBranch: 'release' });
    await ask('acme', 'PUT', `code-mappings/${branch}/`, released);
    const [root, moved] = await mapping('beta', 'lib/', { sourceRoot: 'src/' });
    await ask('beta', 'PUT', `code-mappings/${root}/`, moved);
    const till = await find('gamma', 'repos/', 'name', 'gamma/till');
    await ask('gamma', 'DELETE', `repos/${till.id}/`, undefined, 202);
    const spare = await find('gamma', 'integrations/', 'name', 'spare');
    await ask('gamma', 'DELETE', `integrations/${spare.id}/`, undefined, 204);
    await deleted('gamma', ['spare']);
    const [, extra] = await mapping('acme', 'app/', { stackRoot: 'by-hand/' });
    await ask('acme', 'POST', 'code-mappings/', extra, 201);
  };
  const byHand = 'unmanaged acme code-mapping `by-hand/` of web to `src/` of acme/web';
  let ids = [];
  let left = [];
  const absent = (at, { provider, org }) => ({ provider, org, 'integration-id': ids[at], state: 'absent' });

  return {
    async 'six entries of one manifest are made in three organizations, and nothing is left to do'() {
      await reset();
      await organizations();
      const planned = await plan(SIX, 8);
      assert.deepEqual(planned.filter((line) => /^integrations\[\d\] create integration /.test(line)).length, 6, planned);
      assert.ok(planned.every((line) => /^integrations\[\d\] create /.test(line)), planned);
      ids = await carryOut(SIX, true);
      assert.deepEqual(await there(), ALL);
      assert.deepEqual(await plan(SIX, 0), []);
    },

    async 'six things that others change are planned, these alone, and set right'() {
      await changeSixThings();
      assert.deepEqual(await plan(SIX, 8), [
        'integrations[1] update code-mapping `app/` of web, branch release → main',
        'integrations[2] update integration (beta-pager), config differs',
        'integrations[3] update code-mapping `lib/` of web, sourceRoot src/ → source/',
        'integrations[4] create repository gamma/till',
        'integrations[5] create integration Example, name null → spare',
        byHand,
      ]);
      ids = await carryOut(SIX, true);
      left = [...ALL, MAPPINGS.hand].sort();
      assert.deepEqual(await there(), left);
      assert.deepEqual(await plan(SIX, 0), [byHand]);
    },

    async 'two entries that are to be absent go, and those alone'() {
      const entries = [WEB, DEPOT, absent(2, PAGERDUTY), FORGE, SHOP, absent(5, SPARE)];
      assert.deepEqual(await plan(entries, 8), [
        'integrations[2] remove integration (beta-pager)', 'integrations[5] remove integration (spare)', byHand,
      ]);
      await carryOut(entries, true);
      left = left.filter((line) => !/pagerduty|spare/.test(line));
      assert.deepEqual(await there(), left);
      assert.deepEqual(await plan(entries, 0), [byHand]);
      await carryOut(entries, false);
      await deleted('beta', ['beta-pager']);
      await deleted('gamma', ['spare']);
      assert.deepEqual(await plan(entries, 0), [byHand]);
    },

    async 'an entry that is dropped is pruned, and that alone'() {
      const entries = [WEB, absent(2, PAGERDUTY), FORGE, SHOP, absent(5, SPARE)];
      const planned = await plan(entries, 8);
      assert.deepEqual(planned.slice().sort(), [
        'prune[0] remove code-mapping `` of api', 'prune[0] remove code-mapping `app/` of web',
        'prune[0] remove code-mapping `by-hand/` of web', 'prune[0] remove integration (depot)',
        `prune[0] update repository acme/api, integration ${ids[1]} (depot) → null`,
        `prune[0] update repository acme/web, integration ${ids[1]} (depot) → null`,
      ]);
      await carryOut(entries, true);
      left = left.filter((line) => !/^acme (custom_scm|mapping|repository)/.test(line));
      assert.deepEqual(await there(), left);
      await deleted('acme', ['depot']);
      assert.deepEqual(await plan(entries, 0), []);
    },

    async 'what is imported of each organization has nothing to do, and is all that is there'() {
      for (const org of ORGS) {
        const manifest = path.join(temp, `life-${org}.yml`);
        fs.writeFileSync(manifest, await printed(['import'], 0, { org }));
        const ended = JSON.parse(await printed(['plan', '--exit-code', '--format', 'json'], 0, { manifest, org: '' }));
        assert.deepEqual([ended.entries.length, ended.unmanaged], [1, []]);
      }
    },

    async 'a source host that comes back has its repositories and code mappings again'() {
      const entries = [WEB, DEPOT, FORGE, SHOP];
      await plan(entries, 8);
      await carryOut(entries, true);
      left = ALL.filter((line) => !/pagerduty|spare/.test(line));
      assert.deepEqual(await there(), left);
      assert.deepEqual(await plan(entries, 0), []);
    },

    async 'one that comes back before the old one is deleted takes all over, and keeps it'() {
      const entries = [WEB, DEPOT, FORGE, SHOP];
      const forge = await find('beta', 'integrations/', 'name', 'forge');
      await ask('beta', 'DELETE', `integrations/${forge.id}/`, undefined, 204);
      assert.match((await plan(entries, 8)).join('\n'), /^integrations\[2\] create integration Custom Source/);
      await carryOut(entries, true);
      assert.deepEqual(await there(), left);
      assert.deepEqual(await plan(entries, 0), []);
      await carryOut(entries, false);
      await script('deletions.sh');
      const ids = async () => (await ask('beta', 'GET', 'integrations/')).map(({ id }) => id);
      for (let tries = 0; (await ids()).includes(forge.id); tries += 1) {
        assert.ok(tries < 60, 'the old one is never deleted');
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      assert.deepEqual(await there(), left);
      assert.deepEqual(await plan(entries, 0), []);
    },
  };
};
