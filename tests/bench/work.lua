-- SPDX-License-Identifier: GPL-2.0-only
-- Lua at work: strings, tables, closures, patterns, sorting; argument: rounds.
local rounds, seed, sum = tonumber(arg[1]), 42, 0
for round = 1, rounds do
	local by_name, objects = {}, {}
	for i = 1, 2000 do
		seed = seed * 16807 % 2147483647
		local name = string.format("object %d of round %d", seed % 500, round)
		by_name[name] = by_name[name] or {}
		table.insert(by_name[name], { name = name, at = { i, round } })
		objects[i] = { id = i, add = function(n) return n + i end }
	end
	for _, object in ipairs(objects) do
		sum = sum + object.add(round)
	end
	local keys = {}
	for name in pairs(by_name) do
		keys[#keys + 1] = name
	end
	table.sort(keys)
	local lines = {}
	for i, name in ipairs(keys) do
		local at = {}
		for j, object in ipairs(by_name[name]) do
			at[j] = object.at[1]
		end
		lines[i] = name .. "=" .. table.concat(at, ",")
	end
	for key, list in table.concat(lines, "\n"):gmatch("([^\n=]+)=([^\n]+)") do
		sum = sum + #key + #list
	end
end
print(sum)
