// A person with a browser at the real Sentry. JUDGE_MODULES names the folder with playwright-core,
// CHROMIUM the browser.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createRequire } from 'node:module';

const { chromium } = createRequire(path.join(process.env.JUDGE_MODULES, 'x.js'))('playwright-core');

const PASSWORD = 'realsentry-pw-1';
const PATIENCE = 30_000;
// It runs as root, and asks nobody but the servers on this machine.
const ARGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

// Opens a page of Sentry's in a new browser, signs in where it asks for that, and goes on with `act`.
async function open(url, email, act) {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'finishline-person-'));
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const browser = await chromium.launchPersistentContext(profile, { executablePath, args: ARGS });
  try {
    const [page] = browser.pages();
    page.setDefaultTimeout(PATIENCE);
    await page.goto(url);
    await page.fill('#id_username', email);
    await page.fill('#id_password', PASSWORD);
    await page.press('#id_password', 'Enter');
    await page.waitForURL(url);
    return await act(page);
  } finally {
    await browser.close();
    fs.rmSync(profile, { recursive: true, force: true });
  }
}

// Sets GitLab up from this page on: Sentry's guide and form, then GitLab, where `answer` is clicked.
// Tells the title of the page that it ends at, and what that page says or posts to its opener.
export const setUpGitLab = (url, email, fields, answer) => open(url, email, async (page) => {
  await page.getByText('Next', { exact: true }).click();
  for (const [name, value] of Object.entries(fields)) await page.fill(`[name=${name}]`, value);
  await page.getByRole('button', { name: 'Submit' }).click();
  await page.waitForURL(`${fields.url}/oauth/authorize?*`);
  await page.getByText(answer, { exact: true }).click();
  await page.waitForURL('**/extensions/gitlab/setup/?*');
  const posted = /postMessage\((.*), document\.origin\)/.exec(await page.content());
  const said = posted ? JSON.parse(posted[1]) : await page.locator('pre').innerText();
  return { title: (await page.title()).trim(), said };
});

// Waits until the page shows each of these texts.
export const read = (url, email, texts) => open(url, email, async (page) => {
  for (const text of texts) await page.getByText(text, { exact: true }).first().waitFor();
});
