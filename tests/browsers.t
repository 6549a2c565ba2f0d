#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tests/browser/, by which other tests look at pages: it sees what it is to see in both browsers, light and dark, with
# scripts and without, and does not miss what no page may do.
. "${0%/*}/lib.sh"

cat >"$TMP/page.html" <<'END_OF_PAGE'
<!doctype html>
<meta charset="utf-8">
<title>page</title>
<style>
:root { color-scheme: light dark; }
#scheme::before { content: "light"; }
@media (prefers-color-scheme: dark) { #scheme::before { content: "dark"; } }
</style>
<p id="scheme"></p>
<p id="script">without scripts</p>
<input id="input"><button id="button">click</button>
<p id="result"></p>
<script>
document.getElementById('script').textContent = 'with scripts';
document.getElementById('button').onclick = () => {
	document.getElementById('result').textContent = document.getElementById('input').value;
	location.hash = 'clicked';
};
</script>
END_OF_PAGE
echo '<!doctype html><title>x</title><script>console.error("said")</script>' >"$TMP/error.html"
echo '<!doctype html><title>x</title><script>nowhere()</script>' >"$TMP/throws.html"
echo '<!doctype html><title>x</title><script>setTimeout(() => alert("opened"))</script>' >"$TMP/dialog.html"
echo '<!doctype html><title>x</title><img src="http://heaptrace.invalid/x.png">' >"$TMP/outside.html"
in_browsers harness_self "$TMP"
plan
