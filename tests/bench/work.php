<?php
// SPDX-License-Identifier: GPL-2.0-only
// PHP at work: arrays of arrays that are filled, sorted and read; argument: rounds.
$rounds = (int)$argv[1];
$seed = 42;
$sum = 0;

for ($round = 0; $round < $rounds; $round++) {
	$by_name = [];
	$rows = [];
	for ($i = 0; $i < 20000; $i++) {
		$seed = ($seed * 16807) % 2147483647;
		$name = 'n' . ($seed % 5000);
		$rows[] = ['id' => $i, 'name' => $name, 'at' => [$i, $round]];
		$by_name[$name][] = $i;
	}
	ksort($by_name);
	foreach ($by_name as $name => $ids)
		$sum += count($ids) * strlen($name);
	foreach ($rows as $row)
		$sum += $row['at'][0];
}
echo $sum, "\n";
