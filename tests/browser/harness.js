// SPDX-License-Identifier: GPL-2.0-only
//
// Tests in browsers, which speak TAP; README.md beside this file shows how to write one. A script gives run() a
// function. That function opens files in the installed Chromium and Firefox, as pages that it can click, type into
// and look at. What no page may do is checked of each without being asked for: errors on the console, dialogs,
// and requests to anywhere outside of the file.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const {createRequire} = require('module');
const {pathToFileURL} = require('url');
const {Page} = require('./page.js');

const TOP = path.resolve(__dirname, '../..');
const BUILT = path.join(TOP, 'build');
const LIMIT = 300;		// seconds that a script may take: only a hang does, on a busy machine too

// Names under which the browsers are installed, the first of which that is found is used.
const PROGRAMS = {
	chromium: ['chromium', 'chromium-browser', 'google-chrome'],
	firefox: ['firefox-esr', 'firefox'],
};

// No first steps, no updates, no services, and no names of hosts: nothing of a test leaves the machine.
const CHROMIUM_ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
	'--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--host-resolver-rules=MAP * ~NOTFOUND',
	'--force-color-profile=srgb'];
const FIREFOX_SETTINGS = {
	'network.proxy.type': 1, 'network.proxy.http': '127.0.0.1', 'network.proxy.http_port': 9,
	'network.proxy.ssl': '127.0.0.1', 'network.proxy.ssl_port': 9,
	'app.update.enabled': false, 'browser.shell.checkDefaultBrowser': false, 'datareporting.policy.dataSubmissionEnabled': false,
	'toolkit.telemetry.enabled': false, 'ui.prefersReducedMotion': 1,
};

function find_program(names) {
	for (const name of names)
		for (const directory of (process.env.PATH || '').split(':')) {
			const file = path.join(directory, name);
			try {
				fs.accessSync(file, fs.constants.X_OK);
				return file;
			} catch {
				// The next place.
			}
		}
	return null;
}

function skip_all(reason) {
	console.log(`1..0 # SKIP ${reason}`);
	process.exit(0);
}

// A package of build/npm, whether it is made of CommonJS modules or of ES modules. Throws where it is not there.
async function load(name) {
	const resolve = createRequire(path.join(BUILT, 'npm', 'package.json'));
	try {
		return resolve(name);
	} catch (error) {
		if (error.code !== 'ERR_REQUIRE_ESM')
			throw error;
		return import(pathToFileURL(resolve.resolve(name)));
	}
}

class Test {
	constructor(puppeteer) {
		this.args = process.argv.slice(2);
		this.top = TOP;
		this.puppeteer = puppeteer;
		this.started = new Map();
		this.pages = new Set();
		this.count = 0;
		this.failed = 0;
	}

	ok(passed, name) {
		this.count++;
		if (!passed)
			this.failed++;
		console.log(`${passed ? '' : 'not '}ok ${this.count} - ${name.replace(/#/g, '\\#')}`);
		return Boolean(passed);
	}

	// Compares by what JSON makes of the two, so that arrays and objects can be compared, too.
	is(got, want, name) {
		const texts = [got, want].map(value => JSON.stringify(value) ?? 'undefined');
		return this.ok(texts[0] === texts[1], name) || this.diag(`got:  ${texts[0].slice(0, 2000)}\nwant: ${texts[1].slice(0, 2000)}`);
	}

	like(text, pattern, name) {
		return this.ok(pattern.test(text), name) || this.diag(`got: ${String(text).slice(0, 2000)}\ndoes not match: ${pattern}`);
	}

	skip(name, reason) {
		this.count++;
		console.log(`ok ${this.count} - ${name} # SKIP ${reason}`);
	}

	// Returns false, as the comparison that has failed did.
	diag(text) {
		console.error(String(text).replace(/^/gm, '# '));
		return false;
	}

	// Calls do_it(browser name) for each browser that is installed, one after the other.
	async each(do_it) {
		for (const name of Object.keys(PROGRAMS)) {
			if (!find_program(PROGRAMS[name])) {
				this.skip(name, `no ${name}`);
				continue;
			}
			try {
				await do_it(name);
			} catch (error) {
				this.ok(false, `${name}: the test ran to its end`) || this.diag(error.stack || error);
			}
		}
	}

	// Opens the file in a new page; README.md has the options. Resolves when the page has loaded.
	async open(browser, file, options = {}) {
		const page = new Page(this, browser, file, options);
		this.pages.add(page);
		await page.start(await this.browser(browser, options));
		return page;
	}

	// The browser, which is started once. Firefox knows the colours and whether scripts run as settings of its start
	// only, so it is started once for each kind.
	async browser(name, options) {
		const apart = name === 'firefox' ? {
			'layout.css.prefers-color-scheme.content-override': options.dark ? 0 : 1,
			'javascript.enabled': options.javascript !== false,
		} : {};
		const key = name + JSON.stringify(apart);
		if (!this.started.has(key))
			this.started.set(key, await this.launch(name, apart));
		return this.started.get(key);
	}

	async launch(name, settings) {
		const program = find_program(PROGRAMS[name]);
		if (!program)
			throw new Error(`no ${name} here`);
		// The profile is a new directory of puppeteer's, and what belongs into a home directory goes to one of its own.
		this.home ??= fs.mkdtempSync(path.join(os.tmpdir(), 'heaptrace-browser.'));
		return this.puppeteer.launch({
			browser: name === 'firefox' ? 'firefox' : 'chrome',
			protocol: name === 'firefox' ? 'webDriverBiDi' : 'cdp',
			executablePath: program,
			headless: true,
			args: name === 'firefox' ? [] : CHROMIUM_ARGUMENTS,
			extraPrefsFirefox: {...FIREFOX_SETTINGS, ...settings},
			env: {...process.env, HOME: this.home, XDG_CACHE_HOME: this.home, XDG_CONFIG_HOME: this.home},
			defaultViewport: null,
			timeout: 60000,
			protocolTimeout: 120000,
		});
	}

	async finish() {
		for (const page of [...this.pages])
			await page.close();
		for (const browser of this.started.values())
			await browser.close().catch(() => {});
		if (this.home)
			fs.rmSync(this.home, {recursive: true, force: true, maxRetries: 5});
		console.log(`1..${this.count}`);
		process.exit(this.failed ? 1 : 0);
	}
}

/*
 * Runs a test script: body(t), with a Test. modules: packages of npm that it needs beside the browsers' driver; with
 * browsers: false no browser is needed. t.modules has what was loaded, by name.
 */
async function run(body, {modules = [], browsers = true} = {}) {
	const loaded = {};
	const locks = [path.join(__dirname, 'package-lock.json'), path.join(BUILT, 'npm', 'installed')].map(file =>
		fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : null);
	if (locks[0] !== locks[1])
		skip_all(`build/npm does not have npm's packages${locks[1] ? ' of now' : ''}: run tests/browser/install`);
	for (const name of browsers ? ['puppeteer-core', ...modules] : modules)
		try {
			loaded[name] = await load(name);
		} catch (error) {
			skip_all(`npm's ${name} is not in build/npm (tests/browser/install): ${error.code || error.message}`);
		}
	if (browsers && !Object.values(PROGRAMS).some(find_program))
		skip_all('no chromium and no firefox');
	const driver = loaded['puppeteer-core'];
	const t = new Test(driver && (driver.default || driver));
	t.modules = loaded;
	const timer = setTimeout(() => {
		t.ok(false, `done within ${LIMIT} seconds`);
		t.finish();
	}, LIMIT * 1000);
	try {
		await body(t);
	} catch (error) {
		t.ok(false, 'the test ran to its end') || t.diag(error.stack || error);
	}
	clearTimeout(timer);
	await t.finish();
}

module.exports = {run, load, TOP, BUILT};
