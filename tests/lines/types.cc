/* SPDX-License-Identifier: GPL-2.0-only */
/* Classes with much in them, for type units (-fdebug-types-section). */
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace shop {

struct Item {
	std::string name;
	int price;
	enum Kind { BOOK, TOY } kind;
	struct Less {
		bool operator()(const Item &a, const Item &b) const { return a.price < b.price; }
	};
	union {
		int pages;
		float weight;
	};
	Item(const char *n, int p) : name(n), price(p), kind(p % 2 ? BOOK : TOY), pages(p) {}
	bool dear() const { return price > limit(); }
	static int limit() { return 50; }
};

template<typename K, typename V> class Shelf {
	std::map<K, std::vector<V>> rows;
	class Cursor {
		const Shelf &of;
	public:
		explicit Cursor(const Shelf &s) : of(s) {}
		int total() const
		{
			int all = 0;

			for (const auto &row : of.rows)
				for (const auto &v : row.second)
					all += v.dear() ? v.price : 1;
			return all;
		}
	};
public:
	struct Visitor {
		virtual ~Visitor() {}
		virtual void see(const V &v) = 0;
	};
	void put(const K &key, V v) { rows[key].push_back(std::move(v)); }
	int total() const { return Cursor(*this).total(); }
	void each(Visitor &visitor)
	{
		for (auto &row : rows) {
			std::sort(row.second.begin(), row.second.end(), typename V::Less());
			for (auto &v : row.second)
				visitor.see(v);
		}
	}
};

}

int main(int argc, char **argv)
{
	struct Count : shop::Shelf<std::string, shop::Item>::Visitor {
		int dear = 0;
		void see(const shop::Item &item) override { dear += item.dear(); }
	} count;
	auto shelf = std::make_unique<shop::Shelf<std::string, shop::Item>>();

	for (int i = 0; i < argc; i++)
		shelf->put(argv[i], shop::Item(argv[i], i * 30));
	shelf->each(count);
	return shelf->total() + count.dear;
}
