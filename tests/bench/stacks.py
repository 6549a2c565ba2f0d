# SPDX-License-Identifier: GPL-2.0-only
# Calls itself by ways that differ in the interpreter's C code, six deep in every order, and
# allocates at each end: about 368,000 distinct backtraces at depth 128 with
# PYTHONMALLOC=malloc. Nothing is kept, so that the growth of the peak over a native run is
# what the stacks take, not the live blocks.
import functools
import sys

sys.setrecursionlimit(100000)


class Item:
    def __init__(self, left, path):
        walk(left, path)

    def __lt__(self, other):
        return False

    def __getattr__(self, name):
        raise AttributeError


def by_call(left, path):
    walk(left, path)


def by_map(left, path):
    list(map(walk, (left,), (path,)))


def by_sort(left, path):
    [0].sort(key=lambda _: walk(left, path))


def by_reduce(left, path):
    functools.reduce(walk, (left, path))


def by_class(left, path):
    Item(left, path)


def by_comprehension(left, path):
    sum(walk(left, path) or 0 for _ in (0,))


def by_partial(left, path):
    functools.partial(walk, left)(path)


def by_max(left, path):
    max((0,), key=lambda _: walk(left, path) or 0)


ways = (by_call, by_map, by_sort, by_reduce, by_class, by_comprehension, by_partial, by_max)


def walk(left, path):
    if left:
        ways[path % len(ways)](left - 1, path // len(ways))
    else:
        bytes(40)
    return 0


for path in range(int(sys.argv[1]) if len(sys.argv) > 1 else 191500):
    walk(6, path)
