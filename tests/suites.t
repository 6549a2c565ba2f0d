#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Suites that others wrote, natively and under heaptrace: the results are the same, test by test,
# and every process's dumps are whole. HEAPTRACE_BULK=1 runs all of it (half an hour): more of
# CPython's own tests, the tests of perl's core, the build of the whole project, and a page that
# chromium renders to a picture. redis under its benchmark is in redis.t and killed.t.
#
# SUITES_ONLY=NAME runs one part (cpython, perl, git, sqlite3, make, chromium); PERL_TESTS='FILE...'
# are the tests of perl's core to run (op/*.t ...), whose source the bulk run gets by apt-get and
# keeps in build/; without that, a few run where it is there.
. "${0%/*}/lib.sh"
export GIT_CONFIG_NOSYSTEM=1 HOME=$TMP/in GIT_AUTHOR_DATE='2001-02-03T04:05:06Z' \
	GIT_COMMITTER_DATE='2001-02-03T04:05:06Z' PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
bulk=${HEAPTRACE_BULK-} SUITES_ONLY=${SUITES_ONLY-}
[ -z "$bulk" ] || LIMIT=900
# Where soft and hard limit are the same, ours are among the descriptors that a program scans.
ulimit -Sn 1024

wanted() {
	[ -z "$SUITES_ONLY" ] || [ "$SUITES_ONLY" = "$1" ]
}

# ---- CPython ----

find_python() {
	local python
	for python in "$(type -P python3)" ~root/.pyenv/versions/3.1[1-9]*/bin/python3 /usr/bin/python3; do
		[ -x "$python" ] || continue
		python=$("$python" -c 'import sys; print(sys.executable)' 2>/dev/null)
		[ -n "$python" ] && "$python" -c 'import test.test_json' 2>/dev/null && echo "$python" && return
	done
	return 1
}

# results FILE: each test and its outcome
results() {
	grep -aE '^test[A-Za-z0-9_]* \(.*\.\.\. (ok|FAIL|ERROR|skipped.*)$|^Ran [0-9]+ tests|^OK|^FAILED' "$1" |
		sed -E 's/ in [0-9.]+s//; s/0x[0-9a-f]+/ADDRESS/g' | sort
}

# A test that fails natively, too, now and then, is run again.
suite() {
	local name=$1 status problems
	run_in_work native "$python" -m test -v -u none "$name"
	for try in 1 2; do
		run_traced --top=3 -- "$python" -m test -v -u none "$name"
		for kind in native traced; do
			results "$TMP/$kind.out" >"$TMP/$kind.results"
		done
		problems=$(cmp -s "$TMP/native.status" "$TMP/traced.status" || explain status
			diff "$TMP/native.results" "$TMP/traced.results" | head -n 20
			check_dumps 3 "$TMP/dumps"/* 2>&1 | head -n 5)
		[ -z "$problems" ] && break
	done
	[ -s "$TMP/traced.results" ]
	ok $? "CPython: $name: $(sed -n 's/^Ran \(.*\)/\1/p' "$TMP/traced.results" | head -n 1)"
	[ -z "$problems" ]
	ok $? "CPython: $name: as without heaptrace" || diag "$problems"
}

SHOW=3
if ! wanted cpython; then
	:
elif python=$(find_python); then
	for name in test_json test_dict ${bulk:+test_fork1 test_re test_threading test_subprocess test_os test_signal test_mmap test_gc}; do
		suite $name
	done
else
	skip 'CPython' 'no python3 here that has its tests (libpython3.*-testsuite)'
fi

# ---- perl: the tests of its core ----

# perl_source VERSION: prints the directory of that source; the bulk run gets it. No list of the
# system's apt is changed.
perl_source() {
	local into=$TOP/build/perl-source
	if [ ! -d "$into/perl-$1/t" ] && [ -n "$bulk" ] && have apt-get && have dpkg-source; then
		mkdir -p "$into/lists/partial"
		echo "deb-src http://deb.debian.org/debian $(. /etc/os-release && echo "$VERSION_CODENAME") main" >"$into/list"
		for what in update 'source --only-source perl'; do
			# shellcheck disable=SC2086
			(cd "$into" && timeout 300 apt-get -q -o Dir::Etc::sourcelist="$into/list" -o Dir::Etc::sourceparts=/dev/null \
				-o Dir::State::lists="$into/lists" -o Dir::Cache="$into/cache" $what) >"$TMP/apt.log" 2>&1
		done
	fi
	[ -d "$into/perl-$1/t" ] && echo "$into/perl-$1"
}

# The tests expect ./perl in t/ and the modules in ../lib.
perl_tree() {
	mkdir -p "$TMP/perl/lib"
	cp -r "$1/t" "$TMP/perl/" && ln -s "$(type -P perl)" "$TMP/perl/t/perl"
	perl -MConfig -e 'print "$_\n" for $Config{privlibexp}, $Config{archlibexp}, grep { m{/perl-base$} } @INC' |
		while read -r from; do cp -rL "$from/." "$TMP/perl/lib"; done
}

# perl_test KIND FILE [HEAPTRACE...]: leaves $TMP/KIND.results
perl_test() {
	local kind=$1 file=$2 switches
	shift 2
	switches=$(sed -n '1s/^#!.*perl *\(-[tTwWC][^ ]*\).*/\1/p' "$TMP/perl/t/$file")
	# shellcheck disable=SC2086
	(cd "$TMP/perl/t" && PERL_CORE=1 limit "$@" ./perl $switches "$file") </dev/null >"$TMP/$kind.out" 2>"$TMP/$kind.err"
	echo "status $?" >"$TMP/$kind.results"
	# Their names have addresses, and the order of hashes.
	sed -nE 's/^( *(not )?ok [0-9]+).*/\1/p; /^ *1\.\.|^Bail/p' "$TMP/$kind.out" >>"$TMP/$kind.results"
}

if ! wanted perl; then
	:
elif ! source=$(perl_source "$(perl -e 'printf "%vd", $^V')"); then
	skip perl 'no source of this perl here: HEAPTRACE_BULK=1 gets it'
else
	perl_tree "$source"
	tests=${PERL_TESTS:-op/array.t op/fork.t op/alarm.t io/pipe.t re/reg_eval.t}
	[ -z "$bulk" ] || [ -n "$PERL_TESTS" ] || tests='base/*.t cmd/*.t op/*.t re/*.t io/*.t'
	for file in $(cd "$TMP/perl/t" && echo $tests); do
		case $file in	# minutes of arithmetic on regular expressions, and the same again in a thread
		re/pat_psycho*|re/fold_grind*|re/uniprops*|*_thr.t) [ -n "$PERL_TESTS" ] || continue ;;
		esac
		for try in 1 2 3; do	# what fails natively, too, now and then
			rm -f "$TMP/dumps"/*
			perl_test native "$file"
			perl_test traced "$file" "$HEAPTRACE" --outfile="$TMP/dumps/dump" --top=3
			problems=$(diff "$TMP/native.results" "$TMP/traced.results" | head -n 10
				check_dumps 3 "$TMP/dumps"/* 2>&1 | head -n 5)
			[ -z "$problems" ] && break
		done
		[ -z "$problems" ]
		ok $? "perl: $file: $(grep -cE '^ *(not )?ok' "$TMP/traced.results") tests as without heaptrace" || diag "$problems"
	done
fi

# ---- git ----

SHOW=0
if ! wanted git; then
	:
elif have git; then
	# Parallel processes may count down; the messages of gc have no times.
	same 'git: init, commits, a clone, gc, fsck' -- sh -c '
		git init -q -b main a && cd a && git config user.name A && git config user.email a@example.com
		for i in 1 2 3 4 5; do seq $i 400 >f$i; git add . && git commit -q -m "commit $i"; done
		git tag one && git branch side HEAD~2 && git checkout -q side && echo x >g && git add g && git commit -q -m g
		git checkout -q main && git merge -q -m merge side && cd .. && git clone -q a b && cd b
		git gc -q --aggressive && git repack -q -a -d -f && git fsck --full --strict 2>&1
		git log --oneline --graph && git rev-parse HEAD && git diff --stat one HEAD; git count-objects'
else
	skip git 'no git here'
fi

# ---- sqlite3 ----

if ! wanted sqlite3; then
	:
elif have sqlite3; then
	cat >"$TMP/in/load.sql" <<END
CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c REAL);
WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ${bulk:+10}20000)
	INSERT INTO t SELECT x, printf('%08d-%s', x * 7919 % 10007, hex(x)), x / 7.0 FROM n;
CREATE INDEX i ON t (b);
BEGIN; UPDATE t SET c = c * 2 WHERE a % 3 = 0; DELETE FROM t WHERE a % 5 = 0; COMMIT;
SELECT count(*), sum(c), min(b), max(b) FROM t;
SELECT substr(b, 1, 2) g, count(*), total(c) FROM t GROUP BY g ORDER BY g LIMIT 20;
SELECT x.a, y.a FROM t x JOIN t y ON x.b < y.b AND y.a = x.a + 1 ORDER BY x.b LIMIT 10;
PRAGMA integrity_check;
VACUUM;
SELECT count(*) FROM t WHERE b LIKE '%0F%';
END
	same 'sqlite3: a load in a file' -- sh -c 'sqlite3 db <../in/load.sql && sqlite3 db "SELECT sum(a) FROM t"'
else
	skip sqlite3 'no sqlite3 here'
fi

# ---- make: this project ----

prepare() { cp -r "$TOP"/Makefile "$TOP"/*.c "$TOP"/{base,capture,table,symbol,demangle,report,process,wrapper} .; }
if ! wanted make; then
	:
elif have make && have "${CC:-gcc}"; then
	target=$(cd "$TOP" && ls base/*.c elf/*.c | sed 's/\(.*\)\.c/build\/\1.o/' | head -n 6 | tr "\n" " ")
	[ -z "$bulk" ] || target=all
	# -g0: nothing of the directory or the time is in the objects.
	same 'make -j2 of this project' -- sh -c "make -s -j2 CFLAGS='-O1 -g0' ${target} >log 2>&1; echo \$?; md5sum build/base/*.o build/elf/*.o ${bulk:+heaptrace libheaptrace.so}"
	is "$(head -n 1 "$TMP/traced.out")" 0 'and it can be built'
else
	skip make 'no make or compiler here'
fi
unset -f prepare

# ---- chromium ----

if ! wanted chromium; then
	:
elif [ -z "$bulk" ]; then
	skip chromium 'only with HEAPTRACE_BULK=1'
elif browser=$(type -P chromium || type -P google-chrome); then
	echo '<html><body style="background: #246"><h1 style="color: white">heap</h1></body></html>' >"$TMP/in/page.html"
	for kind in native traced; do
		tracer=()
		[ $kind = native ] || tracer=("$HEAPTRACE" --outfile="$TMP/dumps/chromium" --top=3)
		fresh_work
		(cd "$TMP/work" && limit "${tracer[@]}" "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars \
			--user-data-dir="$TMP/work/data" --window-size=320,200 --screenshot="$TMP/$kind.png" \
			"file://$TMP/in/page.html") >"$TMP/$kind.out" 2>&1
		echo $? >"$TMP/$kind.status"
	done
	is "$(cat "$TMP/traced.status")" "$(cat "$TMP/native.status")" 'chromium: status'
	cmp "$TMP/native.png" "$TMP/traced.png"
	ok $? 'chromium: the same picture' || diag "$(tail -n 5 "$TMP/traced.out")"
	ls "$TMP"/dumps/chromium* >/dev/null
	ok $? 'chromium: dumps'
else
	skip chromium 'no chromium here'
fi
plan
