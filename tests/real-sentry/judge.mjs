// What the program reports against what the real Sentry itself lists. `judge` starts this, with the
// server's addresses and tokens in the environment.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { read, setUpGitLab } from './person.mjs';
import { releases } from './releases.mjs';
import { removal } from './removal.mjs';
import { resume } from './resume.mjs';
import { sourcemaps } from './sourcemaps.mjs';
import { wholeLife } from './whole_life.mjs';
import { temp, KEY, script, reset, finishline, printed, told, sentry, sentryOf, project, listed, only, redirected, signedForJira } from './told.mjs';

const {
  SENTRY_URL, RS_TOKEN_MANAGER, RS_TOKEN_MEMBER, RS_TOKEN_ORG, RS_TOKEN_RELEASES, RS_GITLAB_URL,
} = process.env;

const settings = (provider, id) => `${SENTRY_URL}/settings/acme/integrations/${provider}/${id}/`;
const setUp = (provider) => `${SENTRY_URL}/organizations/acme/integrations/${provider}/setup/`;

const example = (name, more, command) => finishline({ provider: 'example', state: { name }, ...more }, command);

const account = (subdomain) => ({
  account: { subdomain, name: subdomain },
  integration_keys: [{ integration_key: `s3cr3t-${subdomain}`, name: 'Web', id: 'P1', type: 'service' }],
});
const pagerduty = (state, more, command) => finishline({ provider: 'pagerduty', state, ...more }, command);
const serviceKeys = ({ configData }) => configData.service_table.map((row) => row.integration_key);

const OWNER = 'admin@example.test';
const gitlab = (more, command) => {
  const state = { url: RS_GITLAB_URL, clientId: 'cid', clientSecret: 's3cr3t', group: 'acme' };
  return finishline({ provider: 'gitlab', state, ...more }, command);
};
const atGitLab = (email, answer) => {
  const fields = { url: RS_GITLAB_URL, group: 'acme', client_id: 'cid', client_secret: 's3cr3t' };
  return setUpGitLab(setUp('gitlab'), email, fields, answer);
};

// A Bitbucket Server that approves every consumer but `refused`.
const bitbucketServer = http.createServer((request, answer) => {
  const refused = request.headers.authorization?.includes('oauth_consumer_key="refused"');
  answer.writeHead(refused ? 401 : 200).end(refused ? 'no' : 'oauth_token=t&oauth_token_secret=s3cr3t');
}).listen(0, '127.0.0.1');
const bitbucket = (consumerKey, more) => {
  const url = `http://127.0.0.1:${bitbucketServer.address().port}`;
  const form = { url, consumerKey, privateKey: '${KEY}' };
  const state = { installation_config: form, oauth_callback: { oauth_token: 't' } };
  return finishline({ provider: 'bitbucket_server', state, ...more });
};

// One after the other: most go on from where the one before left the server.
const checks = {
  async 'the server takes a release (201), again (208), and a deploy (201)'() {
    const release = { version: 'v1', projects: ['web'] };
    assert.equal((await sentry('POST', 'releases/', release)).status, 201);
    assert.equal((await sentry('POST', 'releases/', release)).status, 208);
    assert.equal((await sentry('POST', 'releases/v1/deploys/', { environment: 'production' })).status, 201);
    const { body } = await sentry('GET', 'releases/v1/deploys/');
    assert.deepEqual(body.map((deploy) => deploy.environment), ['production']);
  },

  async '`plan` says what would happen, and changes nothing'() {
    const planned = { status: 'planned', changed: 'false', 'integration-id': '', 'redirect-url': '' };
    told(await example('demo', {}, 'plan'), 0, planned);
    told(await pagerduty({ config: account('demo') }, {}, 'plan'), 0, planned);
    told(await gitlab({}, 'plan'), 0, planned);
    assert.deepEqual((await sentry('GET', 'integrations/')).body, []);
  },

  async '`example` finishes on the set-up pages, with the id that Sentry lists'() {
    const run = await example('demo', { next: 'https://example.com/a b?c=d&e=é' });
    const { id, name } = await only('example');
    assert.equal(name, 'demo');
    told(run, 0, {
      status: 'complete', changed: 'true', provider: 'example', 'pipeline-type': 'install', 'integration-id': id,
      'redirect-url': settings('example', id) + '?next=https%3A%2F%2Fexample.com%2Fa+b%3Fc%3Dd%26e%3D%C3%A9',
      'error-code': '', 'error-message': '', warnings: '', log: /using its setup pages/,
    });
  },

  async 'the next run and `plan` find it and do nothing'() {
    const { id } = await only('example');
    const same = { changed: 'false', 'integration-id': id, 'redirect-url': settings('example', id) };
    told(await example('demo'), 0, { status: 'complete', ...same });
    told(await example('demo', {}, 'plan'), 0, { status: 'planned', ...same });
    await only('example');
  },

  async '`mode: install` runs in any case, `mode: reauth` renews the one that is named'() {
    const { id } = await only('example');
    const same = { changed: 'true', 'integration-id': id };
    told(await example('demo', { mode: 'install' }), 0, { ...same, 'pipeline-type': 'install' });
    told(await example('demo', { mode: 'reauth', 'integration-id': id }), 0, { ...same, 'pipeline-type': 'reauth' });
    await only('example');
  },

  async '`mode: reauth` for another account is refused before anything is sent'() {
    const other = (await example('other'))['integration-id'];
    told(await example('demo', { mode: 'reauth', 'integration-id': other }), 4, {
      status: 'error', 'error-code': 'integration-mismatch', 'integration-id': '', hint: /`integration-id`/,
      'error-message': new RegExp(`different account than integration ${other} \\(other\\)$`),
    });
  },

  async '`mode: reauth` of an integration that is not there names those that are'() {
    told(await example('demo', { mode: 'reauth', 'integration-id': '99' }), 2, {
      'error-code': 'bad-field', 'error-message': /no example integration 99; existing: .*\(demo\)/,
    });
  },

  async 'an integration that Sentry is about to delete is not reported as finished'() {
    const { id } = (await listed('example')).find((one) => one.name === 'demo');
    assert.equal((await sentry('DELETE', `integrations/${id}/`)).status, 204);
    for (const mode of ['ensure', 'install']) {
      const plan = await printed(['plan', '--exit-code'], 8, { provider: 'example', state: { name: 'demo' }, mode });
      assert.match(plan, /cannot be installed yet/);
      assert.match(plan, new RegExp(`cannot be carried out: integration ${id} .*pending_deletion`));
      assert.doesNotMatch(plan, /would be|submit step/);
    }
    for (const mode of ['ensure', 'install']) {
      told(await example('demo', { mode }), 4, {
        status: 'error', 'integration-id': '', hint: /deletion/,
        'error-message': new RegExp(`integration ${id} .*pending_deletion`),
      });
    }
  },

  async 'four runs that race for one account end with one integration'() {
    await reset();
    const runs = await Promise.all(Array.from({ length: 4 }, () => example('race')));
    const { id } = await only('example');
    runs.forEach((run) => told(run, 0, { status: 'complete', 'integration-id': id }));
  },

  async '`pagerduty` finishes with a mapping and with JSON, and Sentry has the service keys'() {
    await reset();
    for (const [name, config] of [['one', account('one')], ['two', JSON.stringify(account('two'))]]) {
      const run = await pagerduty({ config });
      const there = (await listed('pagerduty')).find((one) => one.name === name);
      told(run, 0, { status: 'complete', changed: 'true', 'integration-id': there.id });
      assert.deepEqual(serviceKeys(there), [`s3cr3t-${name}`]);
    }
  },

  async 'a changed key and a new service are differences, and no service is left twice'() {
    await reset();
    const inputs = (keys) => ({
      config: {
        account: { subdomain: 'one', name: 'one' },
        integration_keys: Object.entries(keys).map(([name, key]) => (
          { name, integration_key: `s3cr3t-${key}`, id: name, type: 'service' }
        )),
      },
    });
    const table = async () => {
      const { configData } = await only('pagerduty');
      const rows = configData.service_table.map((row) => [row.service, row.integration_key, row.id]);
      return rows.sort(([a], [b]) => (a < b ? -1 : 1));
    };
    const unchanged = { changed: 'false', warnings: '' };
    told(await pagerduty(inputs({ Web: 'a' })), 0, { changed: 'true', warnings: '' });
    const [[, , web]] = await table();
    told(await pagerduty(inputs({ Web: 'a' })), 0, unchanged);

    const changed = inputs({ Web: 'b', Api: 'c' });
    assert.match(await printed(['plan', '--exit-code'], 8, { provider: 'pagerduty', state: changed }), /differs from the inputs/);
    told(await pagerduty(changed), 0, { changed: 'true', warnings: 'repeated-install' });
    const settled = await table();
    assert.deepEqual(settled.map(([service, key]) => [service, key]), [['Api', 's3cr3t-c'], ['Web', 's3cr3t-b']]);
    // Alert rules refer to a service by this id.
    assert.equal(settled[1][2], web);
    told(await pagerduty(changed), 0, unchanged);
    await printed(['plan', '--exit-code'], 0, { provider: 'pagerduty', state: changed });

    const { id } = await only('pagerduty');
    for (const more of [{ mode: 'install' }, { mode: 'reauth', 'integration-id': id }]) {
      told(await pagerduty(changed, more), 0, { changed: 'true', warnings: 'repeated-install' });
      assert.deepEqual(await table(), settled);
    }
    // What `config` does not have is left alone.
    told(await pagerduty(inputs({ Api: 'c' })), 0, unchanged);
    assert.deepEqual(await table(), settled);
  },

  async '`gitlab` waits for a person at Sentry\'s own set-up page'() {
    for (const mode of ['ensure', 'install']) {
      told(await gitlab({ mode }), 3, {
        status: 'action_required', changed: 'false', 'integration-id': '', 'redirect-url': setUp('gitlab'),
        'error-code': 'needs-browser',
      });
    }
    assert.deepEqual(await listed('gitlab'), []);
  },

  async 'a person who denies ends at an error of Sentry\'s, and the next run still waits'() {
    const { title, said } = await atGitLab(OWNER, 'Deny');
    assert.deepEqual([title, said], ['Setup Error | Sentry', 'access_denied']);
    told(await gitlab(), 3, { status: 'action_required' });
  },

  async 'a person who approves ends at Sentry\'s last page, and the next run has the id that Sentry lists'() {
    const { title, said } = await atGitLab(OWNER, 'Authorize');
    assert.deepEqual([title, said.success], ['Integration Setup Complete | Sentry', true]);
    const { id, domainName } = await only('gitlab');
    assert.ok(domainName.endsWith('/acme'));
    const there = { changed: 'false', 'integration-id': id, 'redirect-url': settings('gitlab', id) };
    told(await gitlab(), 0, { status: 'complete', ...there });
    told(await gitlab({}, 'plan'), 0, { status: 'planned', ...there });
  },

  async 'the page that is reported shows the integration to the owner'() {
    const { 'redirect-url': page } = await gitlab({ next: 'https://example.com/' });
    await read(page, OWNER, ['Configure GitLab', `${new URL(RS_GITLAB_URL).host}/acme`]);
  },

  async 'a GitLab account of another user is refused in the words that `identity-taken` is told by'() {
    const { said } = await atGitLab('manager@example.test', 'Authorize');
    assert.equal(said.success, false);
    assert.match(said.data.error, /is linked to a different Sentry user/);
    await only('gitlab');
  },

  async 'GitLab repositories are linked by their paths, and nothing else is'() {
    const asked = { repositories: 'acme/web, acme/api-server' };
    told(await gitlab(asked), 0, { status: 'complete', changed: 'true', warnings: 'secrets-not-compared' });
    const repositories = async () => (await sentry('GET', 'repos/')).body.map(({ name, url, externalSlug }) => (
      [name, new URL(url).pathname, externalSlug]
    ));
    const linked = [['Acme Inc / The API', '/acme/api-server', 12], ['Acme Inc / Web', '/acme/web', 7]];
    assert.deepEqual(await repositories(), linked);
    told(await gitlab(asked), 0, { changed: 'false', warnings: 'secrets-not-compared' });
    told(await gitlab({ repositories: 'acme/hooks' }), 0, {
      changed: 'false', warnings: 'repository-not-linked,secrets-not-compared', log: /cannot link `acme\/hooks`.*404 Project Not Found/,
    });
    assert.deepEqual(await repositories(), linked);
  },

  async 'code mappings are set, changed and found again where there is no endpoint for many'() {
    const mapping = (stackRoot, sourceRoot, more) => (
      { project: 'web', repository: 'acme/web', stackRoot, sourceRoot, ...more }
    );
    const inputs = (...mappings) => ({ repositories: 'acme/web', 'code-mappings': mappings });
    const listed = async () => (await sentry('GET', 'code-mappings/')).body.map((one) => (
      [one.projectSlug, one.repoName, one.stackRoot, one.sourceRoot, one.defaultBranch].join(' ')
    )).sort();
    const first = inputs(mapping('', 'src'), mapping('app/', 'src/app/', { defaultBranch: 'develop' }));
    const { id } = await only('gitlab');
    const plan = (state) => printed(['plan', '--exit-code'], ...state);
    const asked = (more) => ({ provider: 'gitlab', state: { url: RS_GITLAB_URL, clientId: 'cid', clientSecret: 's3cr3t', group: 'acme' }, ...more });
    assert.match(await plan([8, asked(first)]), /map `app\/` of web to `src\/app\/` of acme\/web/);
    told(await gitlab(first), 0, { changed: 'true', 'integration-id': id, warnings: 'secrets-not-compared' });
    assert.deepEqual(await listed(), ['web Acme Inc / Web  src main', 'web Acme Inc / Web app/ src/app/ develop']);
    told(await gitlab(first), 0, { changed: 'false', warnings: 'secrets-not-compared' });
    await plan([0, asked(first)]);

    const moved = inputs(mapping('', 'lib'), mapping('app/', 'src/app/'));
    await plan([8, asked(moved)]);
    told(await gitlab(moved), 0, { changed: 'true', warnings: 'secrets-not-compared' });
    assert.deepEqual(await listed(), ['web Acme Inc / Web  lib main', 'web Acme Inc / Web app/ src/app/ develop']);
    await plan([0, asked(moved)]);
    const unknown = { 'code-mappings': [{ ...mapping('x/', 'y/'), project: 'nope' }, { ...mapping('z/', 'y/'), repository: 'acme/nope' }] };
    told(await gitlab(unknown), 0, { changed: 'false', warnings: /^code-mapping-not-set,.*secrets-not-compared$/, log: /project `nope` does not exist/ });
    assert.equal((await listed()).length, 2);
  },

  ...releases({ finishline, told, sentry, temp }),
  ...removal({ finishline, told, sentry, listed }),
  ...sourcemaps({ finishline, printed, told, sentry, project, script, temp }),
  ...resume({ printed, sentry, temp, reset, approve: () => atGitLab(OWNER, 'Authorize') }),

  async '`custom_scm` finishes by its description, and the next run finds it by its name and address'() {
    await reset();
    const inputs = { provider: 'custom_scm', state: { name: 'scm', url: 'https://github.com/' } };
    const run = await finishline(inputs);
    const { id, name, domainName } = await only('custom_scm');
    assert.deepEqual([name, domainName], ['scm', 'https://github.com/scm']);
    const there = { provider: 'custom_scm', 'integration-id': id, 'redirect-url': settings('custom_scm', id) };
    told(run, 0, { status: 'complete', changed: 'true', ...there });
    told(await finishline(inputs), 0, { changed: 'false', ...there });
    told(await finishline({ ...inputs, 'integration-id': id }), 0, { changed: 'false', ...there });
    await only('custom_scm');
  },

  async '`custom_scm` links the repository that a commit made, and makes one that is not there'() {
    const release = { version: 'made', projects: ['web'], commits: [{ id: 'a'.repeat(40), repository: 'acme/known' }] };
    assert.equal((await sentry('POST', 'releases/', release)).status, 201);
    const { id } = await only('custom_scm');
    const mapping = { project: 'api', repository: 'acme/new', stackRoot: 'a/', sourceRoot: 'b/', defaultBranch: 'trunk' };
    const inputs = {
      provider: 'custom_scm', state: { name: 'scm', url: 'https://github.com/' },
      repositories: 'acme/known, acme/new', 'code-mappings': [mapping],
    };
    assert.match(await printed(['plan', '--exit-code'], 8, inputs), /link repository acme\/new/);
    told(await finishline(inputs), 0, { changed: 'true', 'integration-id': id, warnings: '' });
    const { body } = await sentry('GET', `repos/?integration_id=${id}`);
    assert.deepEqual(body.map(({ name, provider }) => [name, provider.id]), [
      ['acme/known', 'integrations:custom_scm'], ['acme/new', 'integrations:custom_scm'],
    ]);
    const [{ repoName, sourceRoot, defaultBranch }] = (await sentry('GET', `code-mappings/?integrationId=${id}`)).body;
    assert.deepEqual([repoName, sourceRoot, defaultBranch], ['acme/new', 'b/', 'trunk']);
    assert.deepEqual((await sentry('GET', 'releases/')).body.map(({ version }) => version), ['made']);
    told(await finishline(inputs), 0, { changed: 'false', warnings: '' });
    await printed(['plan', '--exit-code'], 0, inputs);
  },

  async '`jira` finishes by its vendor\'s link, and Sentry\'s own redirect is what is reported'() {
    const signedParams = await signedForJira();
    const inputs = { provider: 'jira', state: { signedParams }, next: 'https://example.com/a b?c=d&e=é' };
    const run = await finishline(inputs);
    const { id, name, externalId } = await only('jira');
    assert.equal(name, 'JIRA');
    assert.ok(externalId.startsWith('jira:'));
    // The link again, by another client: Sentry's redirect for what is there already.
    const query = new URLSearchParams({ signed_params: signedParams, orgSlug: 'acme', next: inputs.next });
    const location = await redirected(`/extensions/jira/configure/?${query}`);
    assert.equal(location, settings('jira', id) + '?next=https%3A%2F%2Fexample.com%2Fa+b%3Fc%3Dd%26e%3D%C3%A9');
    const there = { 'integration-id': id, 'redirect-url': location };
    told(run, 0, { status: 'complete', changed: 'true', 'pipeline-type': 'install', ...there });
    told(await finishline(inputs), 0, { status: 'complete', changed: 'false', ...there });
    await only('jira');
  },

  async 'a link that was signed with another key, or is over, is refused, and nothing is stored'() {
    const forged = Buffer.from(JSON.stringify({ external_id: 'x' }) + ':1xWMl3:x').toString('base64url');
    told(await finishline({ provider: 'jira', state: { signedParams: forged }, mode: 'install' }), 6, {
      status: 'error', 'integration-id': '', 'error-code': 'backend-error',
    });
    await only('jira');
  },

  async 'what our own engine takes as signed is what Sentry signs'() {
    const apps = { jira: { signingKey: 'throw-away-test-server-not-a-secret-00000000000000' } };
    const own = { backend: 'embedded', database: path.join(temp, 'own.db'), apps, provider: 'jira' };
    told(await finishline({ ...own, state: { signedParams: await signedForJira() } }), 0, { status: 'complete' });
    apps.jira.signingKey = 'another-s3cr3t';
    told(await finishline({ ...own, state: { signedParams: await signedForJira() } }), 4, { 'error-code': 'refused' });
  },

  async 'one finishes whose last step is the vendor\'s answer, when the state brings it'() {
    const run = await bitbucket('sentry');
    const { id, name } = await only('bitbucket_server');
    assert.equal(name, 'sentry');
    told(run, 0, { status: 'complete', changed: 'true', 'integration-id': id });
  },

  async 'a vendor\'s refusal is reported in Sentry\'s words, and nothing is stored'() {
    told(await bitbucket('refused', { mode: 'install' }), 4, {
      status: 'error', 'error-code': 'refused', 'error-status': '',
      'error-message': /^Could not fetch a request token from Bitbucket/,
    });
    await only('bitbucket_server');
  },

  async 'a field that is missing is named before anything is asked'() {
    for (const [provider, state, field] of [['custom_scm', { name: 'scm' }, 'url'], ['jira', {}, 'signedParams']]) {
      told(await finishline({ provider, state, mode: 'install' }), 2, {
        status: 'error', 'error-code': 'missing-field', 'error-message': new RegExp(`^\`${field}\` is missing`),
      });
    }
  },

  async 'one that leads to its vendor, where nobody answers, waits for a person'() {
    told(await finishline({ provider: 'github' }), 3, { status: 'action_required', 'redirect-url': setUp('github') });
  },

  async 'a provider that Sentry does not know is `unsupported`'() {
    const unsupported = { status: 'error', 'error-code': 'unsupported' };
    told(await finishline({ provider: 'zzz' }), 4, {
      ...unsupported, 'error-message': /has no setup page for zzz$/, hint: /configured on that server/,
    });
  },

  async '`dialect: api` says that this server is too old'() {
    told(await example('demo', { dialect: 'api' }), 4, { 'error-code': 'unsupported', hint: /`dialect: web`/ });
    told(await example('by-web', { dialect: 'web' }), 0, { status: 'complete' });
  },

  ...refused('a wrong token', { 'auth-token': 'wr0ng' }, 5, {
    'error-code': 'unauthorized', 'error-status': '401', hint: /FINISHLINE_AUTH_TOKEN/,
  }),
  ...refused('a member\'s token', { 'auth-token': RS_TOKEN_MEMBER }, 5, {
    'error-code': 'missing-scope', hint: /role owner, manager or admin/,
  }),
  ...refused('an organization\'s token', { 'auth-token': RS_TOKEN_ORG }, 5, {
    'error-code': 'org-token', hint: /`pipeline-token`/,
  }),
  ...refused('the token of another organization', { 'auth-token': RS_TOKEN_ORG, org: 'other' }, 2, {
    'error-code': 'token-mismatch', 'error-message': /acme.*other/, hint: /`org`/,
  }),
  ...refused('a token without a scope for integrations', { 'auth-token': RS_TOKEN_RELEASES }, 5, {
    'error-code': 'missing-scope', 'error-status': '403', hint: /org:integrations/,
  }),
  ...refused('no token', { 'auth-token': '' }, 5, {
    'error-code': 'no-token', hint: /`auth-token`/,
  }),
  ...refused('an organization of others', { org: 'other' }, 5, {
    'error-code': 'missing-scope', 'error-status': '403', hint: /role .* in other/,
  }),
  ...refused('an organization that is not there', { org: 'nope' }, 5, {
    'error-code': 'not-a-member', 'error-status': '404', hint: /`org`/,
  }),

  async 'a user\'s `pipeline-token` beside the organization\'s token finishes'() {
    const run = await example('beside', { 'auth-token': RS_TOKEN_ORG, 'pipeline-token': RS_TOKEN_MANAGER });
    const { id } = (await listed('example')).find((one) => one.name === 'beside');
    told(run, 0, { status: 'complete', changed: 'true', 'integration-id': id });
  },

  ...wholeLife({ printed, sentryOf, script, reset, temp }),

  async '`import` writes down what is there without a secret, and a plan of that finds nothing to do'() {
    await reset();
    await example('demo');
    await pagerduty({ config: account('demo') });
    await finishline({ provider: 'custom_scm', state: { name: 'scm', url: 'https://github.com/' } });
    const manifest = path.join(temp, 'imported.yml');
    fs.writeFileSync(manifest, await printed(['import'], 0));
    const imported = fs.readFileSync(manifest, 'utf8');
    const providers = Array.from(imported.matchAll(/provider: (\w+)/g), ([, provider]) => provider);
    assert.deepEqual(providers.sort(), ['custom_scm', 'example', 'pagerduty'], imported);
    const [[, variable]] = imported.matchAll(/\$\{(\w+)\}/g);
    const plan = await printed(['plan', '--exit-code'], 0, { manifest, [variable]: account('demo') });
    assert.match(plan, /^3 entries: 3 with nothing to do$/m);
  },

  async 'four runs at once under a rate limit wait, say why, and finish'() {
    await script('down.sh');
    await script('up.sh', { RS_LIMIT: '1' });
    const names = ['w', 'x', 'y', 'z'];
    const limited = await Promise.all(names.map((name) => example(name)));
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const ids = Object.fromEntries((await listed('example')).map((one) => [one.name, one.id]));
    limited.forEach((run, at) => told(run, 0, { status: 'complete', 'integration-id': ids[names[at]] }));
    assert.match(limited.map((run) => run.log).join(''), /retrying after a pause .*HTTP 429/);
  },
};

// A check that a run with these inputs is refused, and that Sentry has nothing of it.
function refused(what, inputs, exit, expected) {
  return {
    async [`${what}: exit ${exit}, \`${expected['error-code']}\`, and what to change`]() {
      told(await example('never', inputs), exit, { status: 'error', changed: 'false', ...expected });
      assert.ok((await listed('example')).every((one) => one.name !== 'never'));
    },
  };
}

await reset();
let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n${error.message.replace(/^/gm, '        ')}`);
  }
}
bitbucketServer.close();
fs.rmSync(temp, { recursive: true, force: true });
console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
