// SPDX-License-Identifier: GPL-2.0-only
//
// A program of tests/heaptrack.t: what heaptrack and heaptrace count by the same rule, and each thing that they
// count by another one, a number of times that nothing else in the program has.
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

static void *volatile sink;

static void *keep(std::size_t bytes)
{
	return sink = std::malloc(bytes);
}

// 11 temporary blocks by either rule.
static void temporary()
{
	for (int i = 0; i < 11; i++)
		std::free(keep(100 + i));
}

// realloc() of the newest block, 13 times: it is freed directly after it was allocated for heaptrack, which writes
// down a free and an allocation. For heaptrace it is the same piece of data in a longer block.
static void grows()
{
	void *p = std::malloc(7);
	for (int i = 1; i <= 13; i++)
		p = sink = std::realloc(p, 7 + 1000 * i);
	keep(3);
	std::free(p);
}

// The older of two blocks of one size and one stack is freed, 17 times: heaptrack takes it for the newer one.
static void twins()
{
	void *older = std::malloc(1), *newer;
	for (int i = 0; i < 17; i++) {
		newer = keep(333);
		std::free(older);
		older = newer;
	}
	keep(3);
	std::free(older);
}

// The newest block is freed after another one was, 19 times: for heaptrack any free ends the time in which a free is
// that of a temporary block.
static void two_frees()
{
	for (int i = 0; i < 19; i++) {
		void *a = std::malloc(40), *b = std::malloc(50);
		sink = b;
		std::free(a);
		std::free(b);
	}
}

// Freed by a destructor that exit() runs.
static std::string global(29000, 'g');

struct node {
	std::string name;
	std::vector<int> numbers;
};

int main()
{
	std::map<int, std::unique_ptr<node>> tree;

	temporary();
	grows();
	twins();
	two_frees();
	for (int i = 0; i < 2000; i++) {
		tree[i * 7919 % 2000] = std::make_unique<node>(node { std::string(i % 50, 'x'), std::vector<int>(i % 30) });
		if (i % 3 == 0)
			tree.erase(i);
	}
	for (int i = 0; i < 23; i++)
		keep(1000 + i);				// leaked
	return 0;
}
