#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The make targets, in a copy of the tree: both compilers without a warning, DEPTH, install
# and uninstall, clean. (counts.t has the 32-bit library.)
. "${0%/*}/lib.sh"
dir=$TMP

# Where only the product's existence or one figure matters, the compiler need not optimize:
# whole builds are what takes the time here. The optimizing build by gcc is what all other tests test.
quick='-j2 CFLAGS=-O0'
same="$quick WERROR=1 DEPTH=3 CC=gcc"	# as the last whole build: install builds nothing again

mkdir "$dir/tree"
tar -c --exclude=./build --exclude=./tests --exclude=./.git . | tar -x -C "$dir/tree"
cd "$dir/tree" || exit 1

make -s $same >"$dir/log" 2>&1
ok $? 'gcc builds it without a warning' || cat "$dir/log"
"$HEAPTRACE" --no-lines --top=0 --outfile=- ls / | sed -n 's/^ \([0-9]\) \[.*/\1/p' | sort -u | tr -d '\n' | grep -qx 01234567
ok $? 'a build traces 8 frames'
./heaptrace --no-lines --top=0 --outfile=- ls / | sed -n 's/^ \([0-9]\) \[.*/\1/p' | sort -u | tr -d '\n' | grep -qx 012
ok $? 'make DEPTH=3 changes the default'
./heaptrace --help | grep -q -- '--depth.*' && ./heaptrace --depth=5 --no-lines --top=0 --outfile=- ls / | grep -q '^ 4 \['
ok $? 'which --depth still overrides'
for bad in 0 256 x; do
	# By each file that includes this header: one is enough.
	! make -s DEPTH=$bad $quick build/options/options.o >"$dir/log" 2>&1 && grep -q 'options/options\.h:' "$dir/log"
	ok $? "make DEPTH=$bad is refused" || cat "$dir/log"
done
if command -v clang >/dev/null; then
	same='-j2 WERROR=1 CC=clang CFLAGS=-O2'
	make -s $same >"$dir/log" 2>&1
	ok $? 'clang builds it without a warning' || cat "$dir/log"
	./heaptrace --top=1 --outfile=- ls / | grep -q '^ 0 \['
	ok $? 'and that works too'
	if echo 'int main(void) { return 0; }' | clang -m32 -x c -o "$dir/probe" - 2>/dev/null; then
		make -s -j2 WERROR=1 CC=clang CFLAGS=-O0 M32=1 >"$dir/log" 2>&1
		ok $? 'clang builds the library for programs of 32 bits without a warning' || cat "$dir/log"
	else
		skip 'clang builds no programs of 32 bits'
	fi
else
	skip 'no clang'
	skip 'no clang'
	skip 'no clang'
	make -s $same >/dev/null 2>&1
fi
make -s $same install DESTDIR="$dir/root" prefix=/usr >/dev/null 2>&1
ok $? 'make install'
[ -x "$dir/root/usr/bin/heaptrace" ] && [ -f "$dir/root/usr/lib/libheaptrace.so" ] && [ -f "$dir/root/usr/share/man/man1/heaptrace.1" ] &&
	[ -f "$dir/root/usr/share/bash-completion/completions/heaptrace" ]
ok $? 'puts everything below DESTDIR and prefix'
(cd / && "$dir/root/usr/bin/heaptrace" --top=1 --outfile=- ls / | grep -q 'backtrace #1')
ok $? 'where the wrapper finds its library'
make -s uninstall DESTDIR="$dir/root" prefix=/usr >/dev/null 2>&1
[ -z "$(find "$dir/root" -type f)" ]
ok $? 'make uninstall leaves nothing'
make help >"$dir/help" && grep -q 'make install' "$dir/help" && grep -q DEPTH "$dir/help"
ok $? 'make help tells the targets'
touch libheaptrace32.so
make -s clean
[ ! -e heaptrace ] && [ ! -e libheaptrace.so ] && [ ! -e libheaptrace32.so ] && [ ! -e build ]
ok $? 'make clean leaves the sources'
plan
