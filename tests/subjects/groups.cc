// SPDX-License-Identifier: GPL-2.0-only
// For tests/groups.t, which knows these figures: functions that allocate by themselves, by wrappers, by recursion,
// and at different moments. It frees nothing but what churn() and peaks() allocate.
#include <cstdlib>
#include <unistd.h>

#define APART __attribute__((noinline))

struct Node {
	char bytes[100];
};

void *volatile kept;

static APART void *xmalloc(size_t bytes)
{
	void *block = malloc(bytes);

	kept = block;
	return block;
}

APART void make_node()
{
	kept = new Node;
}

APART void copy_text()
{
	kept = xmalloc(50);
}

APART void fill(int count)
{
	for (int i = 0; i < count; i++)
		make_node();
}

APART void load()
{
	fill(30);
	for (int i = 0; i < 10; i++)
		copy_text();
}

APART void store()
{
	fill(10);
	kept = malloc(700);
}

APART void recurse(int depth)
{
	if (depth)
		recurse(depth - 1);
	else
		kept = malloc(500);
	if (depth == 2)
		kept = malloc(250);
}

APART void churn()
{
	for (int i = 0; i < 20; i++) {
		kept = malloc(1000);
		free(kept);
	}
}

APART void peaks()
{
	kept = malloc(2000);
	free(kept);
	kept = malloc(3000);
	free(kept);
}

int main(int argc, char **argv)
{
	(void)argv;
	load();
	store();
	recurse(5);
	churn();
	peaks();
	while (argc > 1)
		pause();
	return 0;
}
