# SPDX-License-Identifier: GPL-2.0-only
# Bash at work: assignments to variables and elements of an array, in a loop; argument: how many.
for ((i = 0; i < $1; i++)); do
	name=value$i
	list[i % 1000]=$name
done
echo "${#list[@]} $name"
