/* SPDX-License-Identifier: GPL-2.0-only */
/* What C++ makes of it: namespaces, templates, lambdas, local classes, constructors. */
extern "C" {
#include "inline.h"
int other(int x);
}

namespace space {

template<typename T, int N> struct Stack {
	T items[N];
	int used;

	Stack() : used(0)
	{
		for (int i = 0; i < N; i++)
			items[i] = T();
	}
	virtual ~Stack() { sink -= used; }
	void push(T item) { items[used++ % N] = item; }
	T pop();
	template<typename F> void each(F f)
	{
		for (int i = 0; i < used && i < N; i++)
			f(items[i]);
	}
};

template<typename T, int N> T Stack<T, N>::pop()
{
	if (used <= 0)
		return T();
	return items[--used % N];
}

namespace {

struct Base {
	virtual int run(int x) { return twice(x); }
	virtual ~Base() {}
};

}

static inline int sum(Stack<int, 8> &s)
{
	int all = 0;

	s.each([&](int item) {
		auto twofold = [](int y) { return twice(y) + y; };

		all += twofold(item) + maybe(item);
	});
	return all;
}

}

int other(int x)
{
	struct Local : space::Base {
		int bias;
		Local(int b) : bias(b) {}
		int run(int y) override { return four_times(y) + bias; }
	} local(x);
	space::Stack<int, 8> s;
	space::Stack<long, 3> t;

	for (int i = 0; i < x; i++) {
		s.push(i);
		t.push(i * 3L);
	}
	space::Base *base = &local;
	return space::sum(s) + (int)t.pop() + base->run(x) + s.pop();
}
