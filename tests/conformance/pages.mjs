// What a person meets on the pages of `serve`, in a browser, and whether everybody can use them.
// PAGES_MODULES names the folder with playwright-core and axe-core, PAGES_BINARY the program.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import * as site from './lib/site.mjs';

const modules = process.env.PAGES_MODULES;
const { chromium } = createRequire(path.join(modules, 'x.js'))('playwright-core');
const AXE = fs.readFileSync(path.join(modules, 'axe-core/axe.min.js'), 'utf8');
const PICTURES = process.env.PAGES_PICTURES;
const PATIENCE = 15_000;
const KEY = 's3cr3t-0123';
// It runs as root, and asks nobody but the servers on this machine.
const ARGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

process.on('exit', site.stop);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ARGS });
const [serve, gitlab, next] = await Promise.all([site.serve(), site.gitlab(), site.elsewhere()]);
await site.fill(serve, 60);
// An integration with everything that a settings page shows, as a run leaves it.
site.run(['--provider', 'custom_scm', '--set', 'name=acme', '--set', 'url=https://git.example.com',
  '--repositories', 'acme/web,acme/api', '--code-mappings',
  '[{project: web, repository: acme/web, stackRoot: "webpack:///", sourceRoot: src/, defaultBranch: main}]']);

const at = (where) => `${serve.url}${where}`;
const SET_UP = (provider) => at(`/organizations/acme/integrations/${provider}/setup/`);
const INTEGRATIONS = at('/settings/acme/integrations/');
const RELEASES = at('/organizations/acme/releases/');

// A new browser window of a person; signed in by a token, unless they are a stranger.
async function person(options = {}, { stranger = false } = {}) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).origin));
  page.on('pageerror', (error) => assert.fail(`a script broke: ${error}`));
  const wrong = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && message.location().url.startsWith(serve.url)) wrong.push(message.text());
  });
  if (!stranger) {
    await page.goto(at('/auth/login/'));
    await page.getByLabel('Token').fill(site.token());
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(at('/'));
  }
  return Object.assign(page, { asked, wrong });
}

// What axe finds on the page that is shown; nothing is what it should find.
async function axe(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const told = violations.map(({ id, impact, nodes }) => `${id} (${impact}): ${nodes.map((node) => node.html).join(' | ')}`);
  assert.deepEqual(told, [], `axe on ${page.url()}`);
}

// Every page there is, each shown by its own steps.
const PAGES = {
  'the organizations': (page) => page.goto(at('/')),
  'the login': (page) => page.goto(at('/auth/login/')),
  'the integrations': (page) => page.goto(INTEGRATIONS),
  'the settings of an integration': (page) => page.goto(at(`/settings/acme/integrations/custom_scm/1/?next=${encodeURIComponent(next)}`)),
  'the releases': (page) => page.goto(RELEASES),
  'a release': (page) => page.goto(`${RELEASES}${encodeURIComponent('web@2.59.0')}/`),
  'a release of hostile text': (page) => page.goto(`${RELEASES}${encodeURIComponent(site.HOSTILE)}/`),
  'a search that finds nothing': (page) => page.goto(`${RELEASES}?query=nothing`),
  'a form': (page) => page.goto(SET_UP('opsgenie')),
  'a long form': (page) => page.goto(SET_UP('bitbucket_server')),
  'a form that was wrong': async (page) => {
    await page.goto(SET_UP('gitlab'));
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('alert').waitFor();
  },
  'the way to a third party': async (page) => {
    await page.goto(SET_UP('gitlab'));
    await fillGitLab(page, 'app');
    await page.getByRole('link', { name: 'Continue to' }).waitFor();
  },
  'a refusal': (page) => page.goto(SET_UP('aws_lambda')),
  'a callback that a run waits for': async (page) => {
    await page.context().clearCookies({ name: /^sentrysid/ });
    await page.goto(at('/extensions/gitlab/setup/?code=c&state=s'));
  },
  'a link that wants a click': (page) => page.goto(at('/extensions/example/configure/?name=from-a-link')),
  'a start that wants a click': (page) => page.goto(SET_UP('pagerduty')),
  'an address that leads nowhere': (page) => page.goto(at('/nowhere/')),
};

async function fillGitLab(page, clientId) {
  await page.getByLabel('URL').fill(gitlab);
  await page.getByLabel('Client ID').fill(clientId);
  await page.getByLabel('Client secret').fill(KEY);
  await page.getByRole('textbox', { name: 'Group' }).fill('acme');
  await page.getByRole('button', { name: 'Continue' }).click();
}

async function installOpsgenie(page, account) {
  await page.goto(`${SET_UP('opsgenie')}?next=${encodeURIComponent(next)}`);
  await page.getByLabel('API key').fill(KEY);
  await page.getByRole('button', { name: 'Continue' }).click();
  assert.equal(await page.title(), 'Opsgenie Setup | finishline');
  await page.getByText('This field is required.').waitFor();
  assert.equal(await page.getByLabel('API key').inputValue(), '', 'a secret is not shown again');
  await page.getByLabel('Provider').fill(account);
  await page.getByLabel('API key').fill(KEY);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('link', { name: 'Open its settings' }).click();
  await page.getByRole('heading', { level: 1, name: account }).waitFor();
}

const TESTS = {
  async 'the link that serve prints signs in, and only once'() {
    const page = await person({}, { stranger: true });
    await page.goto(SET_UP('example'));
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.goto(serve.link);
    await page.waitForURL(at('/'));
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('link', { name: 'Sign in' }).waitFor();
    await page.goto(serve.link);
    await page.getByText('already used').waitFor();
  },

  async 'signing in leads back to where the person wanted to go'() {
    const page = await person({}, { stranger: true });
    await page.goto(SET_UP('example'));
    await page.getByLabel('Token').fill('nobody-has-it');
    await page.keyboard.press('Enter');
    await page.getByText('This token is not valid.').waitFor();
    await page.getByLabel('Token').fill(site.token());
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Set up Example' }).waitFor();
  },

  async 'a person installs Opsgenie by form, is refused, fixes it, and follows next'() {
    const page = await person();
    await installOpsgenie(page, 'acme-ops');
    const text = await page.content();
    assert.ok(!text.includes(KEY) && text.includes('hidden'), 'the key is not shown');
    assert.ok(page.url().startsWith(`${INTEGRATIONS}opsgenie/`), page.url());
    await page.getByRole('link', { name: `Continue to ${new URL(next).host}` }).click();
    assert.equal(page.url(), next);
    assert.deepEqual(page.wrong, []);
  },

  async 'a GitLab install goes over the authorize page and back'() {
    const page = await person();
    await page.goto(SET_UP('gitlab'));
    await fillGitLab(page, 'app');
    await page.getByRole('link', { name: `Continue to ${new URL(gitlab).host}` }).click();
    await page.getByRole('link', { name: 'Authorize' }).click();
    await page.getByText('is set up').waitFor();
    await axe(page);
    await page.getByRole('link', { name: 'Open its settings' }).click();
    await page.getByRole('heading', { level: 1, name: 'acme' }).waitFor();
    assert.ok(!(await page.content()).includes(KEY));
    await axe(page);
    assert.deepEqual(page.wrong, []);
  },

  async 'a refusal at GitLab is said in the words of the command line'() {
    const page = await person();
    await page.goto(SET_UP('gitlab'));
    await fillGitLab(page, 'denied');
    await page.getByRole('link', { name: 'Continue to' }).click();
    await page.getByRole('link', { name: 'Deny' }).click();
    assert.equal(await page.title(), 'Setup Error | finishline');
    await page.getByText('the third party returned an error: `access_denied`').waitFor();
    await page.getByRole('button', { name: 'Start again' }).click();
    await page.getByRole('heading', { name: 'Set up GitLab' }).waitFor();
  },

  async 'the window that opened the set-up is told, at its own origin, and the set-up closes'() {
    const page = await person();
    await page.goto(INTEGRATIONS);
    const popup = page.waitForEvent('popup');
    const told = page.evaluate((url) => new Promise((resolve) => {
      window.addEventListener('message', ({ data, origin }) => resolve({ data, origin }));
      window.open(url, 'setup', 'width=600,height=600');
    }), SET_UP('example'));
    const dialog = await popup;
    await dialog.getByLabel('Name').fill('from a window');
    const closed = dialog.waitForEvent('close');
    await dialog.getByRole('button', { name: 'Continue' }).click();
    const { data, origin } = await told;
    assert.deepEqual([origin, data.success, data.data.name], [serve.url, true, 'from a window']);
    await closed;
  },

  async 'the keyboard alone is enough'() {
    const page = await person();
    await page.goto(INTEGRATIONS);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to content');
    const reach = async (name) => {
      for (let presses = 0; presses < 80; presses += 1) {
        const [here, outline] = await page.evaluate(() => {
          const { activeElement } = document;
          const label = activeElement.labels?.[0]?.textContent ?? activeElement.textContent;
          return [label.trim(), getComputedStyle(activeElement).outlineStyle];
        });
        if (here === name || here.endsWith(name)) return assert.notEqual(outline, 'none', `${name} shows its focus`);
        await page.keyboard.press('Tab');
      }
      return assert.fail(`${name} is not reached`);
    };
    await reach('Example');
    await page.keyboard.press('Enter');
    await page.waitForURL(SET_UP('example'));
    await reach('Name');
    await page.keyboard.type('by keyboard');
    await page.keyboard.press('Enter');
    await page.getByText('is set up').waitFor();
    await reach('Open its settings');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'by keyboard' }).waitFor();
  },

  async 'without scripts everything works, and is said in words'() {
    const page = await person({ javaScriptEnabled: false });
    await installOpsgenie(page, 'acme-quiet');
    await page.goto(RELEASES);
    await page.getByRole('link', { name: 'Next' }).click();
    await page.getByText('Page 2').waitFor();
  },

  async 'no page is wider than a narrow window'() {
    const page = await person({ viewport: { width: 360, height: 740 } });
    for (const [name, show] of Object.entries(PAGES)) {
      await show(page);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= 360, `${name} is ${width} px wide`);
    }
  },

  async 'a page is light or dark as the system is'() {
    const light = async (colorScheme) => {
      const page = await person({ colorScheme });
      await page.goto(RELEASES);
      const rgb = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      return rgb.match(/\d+/g).map(Number)[0] > 128;
    };
    assert.deepEqual([await light('light'), await light('dark')], [true, false]);
  },

  async 'axe finds nothing on any page, in light and in dark, wide and narrow'() {
    for (const colorScheme of ['light', 'dark']) {
      for (const width of [1100, 360]) {
        const page = await person({ colorScheme, viewport: { width, height: 800 } });
        for (const show of Object.values(PAGES)) {
          await show(page);
          await axe(page);
        }
        assert.deepEqual([...new Set(page.asked)].filter((origin) => origin !== serve.url), [], 'nobody else is asked');
        await page.context().close();
      }
    }
  },

  async 'foreign text is text'() {
    const page = await person();
    page.on('dialog', () => assert.fail('a text ran'));
    await PAGES['a release of hostile text'](page);
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), site.HOSTILE);
    for (const hostile of ['javascript:alert(1)', 'data:text/html,<script>alert(1)</script>', '//evil.test/']) {
      await page.goto(at(`/settings/acme/integrations/custom_scm/1/?next=${encodeURIComponent(hostile)}`));
      await page.getByText(hostile).waitFor();
      assert.equal(await page.locator('aside a').count(), 0, hostile);
    }
  },

  async 'a form of another site sets nothing up'() {
    const page = await person();
    await page.goto(SET_UP('example'));
    await page.locator('input[type=hidden]').last().evaluate((field) => { field.value = '0'.repeat(64); });
    await page.getByLabel('Name').fill('forged');
    await page.getByRole('button', { name: 'Continue' }).click();
    assert.equal(await page.title(), 'Not Permitted | finishline');
    await page.goto(`${INTEGRATIONS}?query=forged`);
    await page.getByText('No integrations match.').waitFor();
  },

  async 'thousands are searched and turned over'() {
    const page = await person();
    await page.goto(RELEASES);
    assert.equal(await page.locator('.rows li').count(), 50);
    await page.getByLabel('Search versions').fill('2.17');
    await page.keyboard.press('Enter');
    await page.waitForURL('**query=2.17');
    assert.equal(await page.locator('.rows li').count(), 1);
    await page.goto(`${RELEASES}web%402.59.0/`);
    await page.getByRole('navigation', { name: 'Pages of commits' }).getByRole('link', { name: 'Next' }).click();
    await page.waitForURL('**?commits=2#commits');
  },
};

// The pictures of the documentation.
async function pictures() {
  const take = async (name, colorScheme, [width, height], show) => {
    const page = await person({ colorScheme, viewport: { width, height } });
    await show(page);
    await page.screenshot({ path: path.join(PICTURES, `${name}.png`) });
  };
  const [{ id }] = await site.ask(serve, 'GET', 'integrations/?provider_key=gitlab');
  for (const name of ['acme/web', 'acme/api']) {
    await site.ask(serve, 'POST', 'repos/', { provider: 'integrations:gitlab', installation: id, identifier: name });
  }
  const welcome = encodeURIComponent('https://example.com/welcome');
  await take('settings', 'light', [860, 900], (page) => page.goto(`${INTEGRATIONS}gitlab/${id}/?next=${welcome}`));
  await take('form', 'dark', [860, 600], PAGES['a form that was wrong']);
  await take('release', 'light', [360, 740], PAGES['a release']);
}

let failed = 0;
const only = process.argv[2];
for (const [name, test] of Object.entries(TESTS)) {
  if (only && !name.includes(only)) continue;
  try {
    await test();
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n${error.stack}`);
  }
  for (const context of browser.contexts()) await context.close();
}
if (PICTURES) await pictures();
await browser.close();
process.exit(failed ? 1 : 0);
