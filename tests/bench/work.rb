# SPDX-License-Identifier: GPL-2.0-only
# Ruby at work: strings, hashes of arrays, closures, regular expressions, sorting; argument: rounds.
seed = 42
sum = 0
ARGV[0].to_i.times do |round|
  by_name = Hash.new { |hash, key| hash[key] = [] }
  objects = (1..2000).map do |i|
    seed = seed * 16807 % 2147483647
    name = "object number #{seed % 500} of round #{round}, at #{i}"
    by_name[name[0, 18]] << name
    { id: i, name: name, at: [i, round], add: ->(n) { n + i } }
  end
  sum += objects.sum { |object| object[:add].call(round) }
  text = by_name.sort.map { |key, names| "#{key}=#{names.join(',')}" }.join("\n")
  text.scan(/^([a-z ]+\d+)[^=]*=(.*)$/) { |key, names| sum += key.length + names.split(',').sort.length }
end
puts sum
