// SPDX-License-Identifier: GPL-2.0-only
//
// palette_png.js FILE: makes a picture of the screen a third of its size. It gets a palette: the 256 colours that are most
// frequent, with each channel rounded to 32 steps, and every other colour becomes the nearest of these. Reads what browsers
// write: 8 bits per channel, RGB or RGBA, not interlaced (PNG specification, second edition, chapters 9 and 11).
'use strict';

const fs = require('fs');
const zlib = require('zlib');

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

function chunks(png) {
	const all = {};

	for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
		const type = png.toString('latin1', at + 4, at + 8);

		all[type] = Buffer.concat([all[type] || Buffer.alloc(0), png.subarray(at + 8, at + 8 + png.readUInt32BE(at))]);
	}
	return all;
}

// The Paeth predictor.
function paeth(a, b, c) {
	const p = a + b - c, pa = Math.abs(p - a), pb = Math.abs(p - b), pc = Math.abs(p - c);

	return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

function unfilter(data, width, height, channels) {
	const stride = width * channels, out = Buffer.alloc(stride * height);

	for (let y = 0; y < height; y++) {
		const filter = data[y * (stride + 1)];

		for (let x = 0; x < stride; x++) {
			const at = y * stride + x;
			const left = x >= channels ? out[at - channels] : 0, up = y ? out[at - stride] : 0;
			const corner = x >= channels && y ? out[at - stride - channels] : 0;
			const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];

			out[at] = data[y * (stride + 1) + 1 + x] + predicted;
		}
	}
	return out;
}

// The colours as numbers of 15 bits become places in the palette, which is returned.
function choose_palette(pixels) {
	const counts = new Map();

	for (const pixel of pixels)
		counts.set(pixel, (counts.get(pixel) || 0) + 1);
	const colours = [...counts].sort((a, b) => b[1] - a[1]).map(entry => entry[0]);
	const palette = colours.slice(0, 256), place = new Map();
	const parts = colour => [colour >> 10, colour >> 5 & 31, colour & 31];

	for (const colour of colours) {
		const distance = other => parts(other).reduce((sum, n, i) => sum + (n - parts(colour)[i]) ** 2, 0);

		place.set(colour, palette.reduce((best, other, i) => distance(other) < distance(palette[best]) ? i : best, 0));
	}
	pixels.forEach((pixel, i) => {
		pixels[i] = place.get(pixel);
	});
	return Buffer.from(palette.flatMap(colour => parts(colour).map(n => Math.round(n * 255 / 31))));
}

function crc32(bytes) {
	let crc = -1;

	for (const byte of bytes) {
		crc ^= byte;
		for (let i = 0; i < 8; i++)
			crc = crc >>> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc >>> 0;
}

function chunk(type, data) {
	const out = Buffer.alloc(12 + data.length);

	out.writeUInt32BE(data.length);
	out.write(type, 4, 'latin1');
	data.copy(out, 8);
	out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
	return out;
}

const file = process.argv[2], {IHDR, IDAT} = chunks(fs.readFileSync(file));
const width = IHDR.readUInt32BE(0), height = IHDR.readUInt32BE(4), channels = {2: 3, 6: 4}[IHDR[9]];
const raw = unfilter(zlib.inflateSync(IDAT), width, height, channels);
const pixels = new Uint16Array(width * height);

for (let i = 0; i < pixels.length; i++) {
	const [r, g, b] = raw.subarray(i * channels, i * channels + 3);

	pixels[i] = Math.round(r * 31 / 255) << 10 | Math.round(g * 31 / 255) << 5 | Math.round(b * 31 / 255);
}
const palette = choose_palette(pixels);
const lines = Buffer.alloc((width + 1) * height);		// each begins with its filter: none

for (let i = 0; i < pixels.length; i++)
	lines[i + Math.floor(i / width) + 1] = pixels[i];
IHDR[9] = 3;			// a palette
fs.writeFileSync(file, Buffer.concat([SIGNATURE, chunk('IHDR', IHDR), chunk('PLTE', palette),
	chunk('IDAT', zlib.deflateSync(lines, {level: 9})), chunk('IEND', Buffer.alloc(0))]));
