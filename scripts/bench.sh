#!/usr/bin/env bash
# Measures the product beside its peers and the floor of this machine; one line
# a measure: bench NAME key=value … With a name, that one only.
set -euo pipefail
cd "$(dirname "$0")/.."
want=${1:-all}
ran=0
only() { [ "$want" = all ] || [ "$want" = "$1" ]; }
if only b2bua; then
	ran=1
	go run ./bench/calls
	go run ./bench/calls -rate 1500 -secs 4
fi
if only proxy; then
	ran=1
	go run ./bench/calls -service proxy -name proxy
	go run ./bench/calls -service proxy -name proxy -rate 2000 -secs 4
fi
if only memory; then ran=1; go run ./bench/calls -name memory -hold 2000 -rate 200; fi
if only flat; then
	ran=1 # the quickest of each: what else the machine does only adds
	go test ./sip/proxy -run '^$' -bench 'Call/live' -benchtime 5000x -count 5 | awk '
		/cpu-us/ { split($1, name, /[=-]/); n = name[2]; for (i = 2; $i != "cpu-us/call"; i++) v = $i; if (!(n in us) || v < us[n]) us[n] = v }
		END { if (!(100 in us) || !(100000 in us)) exit 1
		printf "bench flat live=100 cpu_us_per_call=%.1f live=100000 cpu_us_per_call=%.1f ratio=%.2f\n", us[100], us[100000], us[100000] / us[100] }'
fi
if only queue; then ran=1; go run ./bench/queue; fi
if only register; then ran=1; go run ./bench/register; fi
if only relay; then ran=1; go run ./bench/relay; fi
if only flood; then ran=1; go run ./bench/flood; fi
if only flood_unbanned; then ran=1; go run ./bench/flood -name flood_unbanned -points 100000; fi
if only engine; then
	ran=1
	go test ./acd/engine -run '^$' -bench 'Apply200x500' -benchtime 3s -count 3 | awk '
		/inputs\/s/ { for (i = 2; i <= NF; i++) if ($i == "inputs/s") { v[n++] = $(i-1) } }
		END { if (!n) exit 1; m = v[0]; lo = hi = v[0]; for (i = 0; i < n; i++) { s += v[i]; if (v[i] < lo) lo = v[i]; if (v[i] > hi) hi = v[i] }
		printf "bench engine agents=200 waiting=500 inputs_per_s=%.0f spread=%.0f-%.0f\n", s / n, lo, hi }'
fi
[ "$ran" = 1 ] || { echo "no bench called $want: b2bua, proxy, memory, flat, queue, register, relay, flood, flood_unbanned, engine"; exit 1; }
