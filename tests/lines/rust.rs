// SPDX-License-Identifier: GPL-2.0-only
// Rust's way: closures, generics, iterators of the standard library inlined in each other.
use std::collections::BTreeMap;

trait Shape {
    fn area(&self) -> u64;
}

struct Square(u64);
struct Pair<T>(T, T);

impl Shape for Square {
    fn area(&self) -> u64 {
        self.0 * self.0
    }
}

impl<T: Shape> Shape for Pair<T> {
    #[inline(always)]
    fn area(&self) -> u64 {
        self.0.area() + self.1.area()
    }
}

#[inline(never)]
fn count(words: &[String]) -> BTreeMap<&str, usize> {
    let mut seen = BTreeMap::new();
    for w in words.iter().filter(|w| w.len() > 1) {
        *seen.entry(w.as_str()).or_insert(0) += 1;
    }
    seen
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let shapes: Vec<Box<dyn Shape>> = vec![Box::new(Square(2)), Box::new(Pair(Square(1), Square(3)))];
    let sum: u64 = shapes.iter().map(|s| s.area()).sum();
    println!("{:?} {}", count(&words), sum);
}
