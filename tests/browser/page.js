// SPDX-License-Identifier: GPL-2.0-only
//
// A page of a test in a browser: what a user does with it, what there is to see, and what no page may do, which is
// checked when it is closed. Selectors are those of CSS. Whatever is not there yet is waited for, up to WAIT.
'use strict';

const fs = require('fs');
const path = require('path');
const {pathToFileURL} = require('url');

const WAIT = 20000;		// milliseconds: only what never comes takes as long
const INSIDE = /^(?:file|data|blob|about|chrome|moz-extension|resource):/;

class Page {
	constructor(t, browser, file, options) {
		this.t = t;
		this.browser = browser;
		this.file = path.resolve(file);
		this.options = {width: 1200, height: 900, dark: false, javascript: true, hash: '', ...options};
		this.name = `${browser} ${path.basename(file)}${this.options.dark ? ' dark' : ''}`;
		this.wrong = [];	// what the page did that no page may do
		this.messages = [];	// all of the console
	}

	async start(browser) {
		const {width, height, dark, javascript, hash} = this.options;
		const page = this.page = await browser.newPage();
		page.setDefaultTimeout(WAIT);
		page.on('console', message => {
			this.messages.push(message.text());
			if (message.type() === 'error')
				this.wrong.push(`console: ${message.text()}`);
		});
		page.on('pageerror', error => this.wrong.push(`error: ${error.message || error}`));
		page.on('dialog', dialog => {
			this.wrong.push(`dialog: ${dialog.message()}`);
			dialog.dismiss().catch(() => {});
		});
		page.on('request', request => {
			if (!INSIDE.test(request.url()))
				this.wrong.push(`request: ${request.url()}`);
		});
		page.on('requestfailed', request => this.wrong.push(`failed: ${request.url().slice(0, 200)}`));
		await page.setViewport({width, height});
		if (this.browser === 'chromium') {
			await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: dark ? 'dark' : 'light'}]);
			await page.setJavaScriptEnabled(javascript);
		}
		const start = Date.now();
		await page.goto(pathToFileURL(this.file).href + hash, {waitUntil: 'load', timeout: 120000});
		this.openMilliseconds = Date.now() - start;
		// What browsers put in place of a document that is no well-formed XML.
		for (const text of await this.texts('parsererror'))
			this.wrong.push(`parser: ${text}`);
	}

	// What there is to see. By functions that return at once: in a page without scripts no promise is ever fulfilled.

	async text(selector) {
		await this.waitFor(selector);
		return this.page.$eval(selector, e => e.innerText ?? e.textContent);
	}

	// The texts of all that match, in the order of the document.
	texts(selector) {
		return this.page.evaluate(s => [...document.querySelectorAll(s)].map(e => e.innerText ?? e.textContent), selector);
	}

	count(selector) {
		return this.page.evaluate(s => document.querySelectorAll(s).length, selector);
	}

	async attribute(selector, name) {
		await this.waitFor(selector);
		return this.page.$eval(selector, (e, n) => e.getAttribute(n), name);
	}

	// Whether it is there and has an area.
	visible(selector) {
		return this.page.evaluate(s => [...document.querySelectorAll(s)].some(e => {
			const box = e.getBoundingClientRect();
			return box.width > 0 && box.height > 0 && getComputedStyle(e).visibility !== 'hidden';
		}), selector);
	}

	// Runs a function, or a text, in the page, and resolves to what it returns.
	evaluate(code, ...args) {
		return this.page.evaluate(code, ...args);
	}

	hash() {
		return this.page.evaluate(() => location.hash);
	}

	/*
	 * Waits for a selector, or until a function that runs in the page returns something true; resolves to the element
	 * or to what it returned. Throws after WAIT. Asks from here, because neither a page without scripts nor one in the
	 * background would report it.
	 */
	async waitFor(what, ...args) {
		for (const end = Date.now() + WAIT; Date.now() < end; await new Promise(resolve => setTimeout(resolve, 50))) {
			const found = await (typeof what === 'string' ? this.page.$(what) : this.page.evaluate(what, ...args));
			if (found)
				return found;
		}
		throw new Error(`${this.name}: waited in vain for ${what}`);
	}

	// What a user does: first, turn to the page's tab, because a tab in the background paints nothing.

	async front(selector) {
		if (this.t.front !== this)
			await this.page.bringToFront();
		this.t.front = this;
		return this.waitFor(selector);
	}

	// {x, y}: the place in the element, in pixels from its upper left corner; else its middle. {button, count} too.
	async click(selector, options = {}) {
		const {x, y, ...rest} = options;
		const element = await this.front(selector);
		await element.click({...rest, ...(x === undefined ? {} : {offset: {x, y}})});
	}

	async hover(selector) {
		await (await this.front(selector)).hover();
	}

	// Into the element, in place of what it holds.
	async type(selector, text) {
		const element = await this.front(selector);
		await element.click({count: 3});
		await this.page.keyboard.press('Delete');
		await element.type(text);
	}

	async select(selector, ...values) {
		await this.front(selector);
		return this.page.select(selector, ...values);
	}

	// Keys by their names, one after the other: 'ArrowDown', 'Enter', 'a'. 'Shift+Tab' holds Shift.
	async press(...keys) {
		await this.front('*');
		for (const key of keys) {
			const parts = key.length > 1 ? key.split('+') : [key];
			const last = parts.pop();
			for (const part of parts)
				await this.page.keyboard.down(part);
			await this.page.keyboard.press(last);
			for (const part of parts.reverse())
				await this.page.keyboard.up(part);
		}
	}

	/*
	 * Clicks by script, and resolves to the milliseconds until the browser has painted what came of it: from the
	 * click to the second frame after it.
	 */
	async clickTime(selector) {
		await this.front(selector);
		return this.page.$eval(selector, e => new Promise(resolve => {
			const start = performance.now();
			e.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true, view: window}));
			requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - start)));
		}));
	}

	resize(width, height) {
		return this.page.setViewport({width, height});
	}

	reload() {
		return this.page.reload({waitUntil: 'load'});
	}

	// Another #... of the same page, as of a link that a colleague has sent.
	goto_hash(hash) {
		return this.page.evaluate(h => {
			location.hash = h;
		}, hash);
	}

	// A picture to look at, where HEAPTRACE_SCREENSHOTS is set: build/screenshots/NAME-BROWSER.png. {full: true}: all of
	// the page, not the window only.
	async screenshot(name, {full = false} = {}) {
		if (!process.env.HEAPTRACE_SCREENSHOTS)
			return null;
		const directory = path.join(__dirname, '../../build/screenshots');
		fs.mkdirSync(directory, {recursive: true});
		const file = path.join(directory, `${name}-${this.browser}.png`);
		await this.page.screenshot({path: file, fullPage: full});
		return file;
	}

	// Takes the page's errors so far, so that close() does not complain of those that a test provokes.
	take_wrong() {
		return this.wrong.splice(0);
	}

	async close() {
		if (!this.t.pages.delete(this))
			return;
		if (this.page)
			await this.page.close().catch(error => this.wrong.push(`close: ${error.message}`));
		this.t.is(this.wrong, [], `${this.name}: no error, no dialog, no request outside`);
	}
}

module.exports = {Page};
