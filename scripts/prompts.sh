#!/bin/bash
# Speaks configs/prompts/LANG/prompts.txt into 8 kHz, 16-bit mono WAV files with
# espeak-ng and sox, all at one loudness, and makes the waiting music.
# Usage: scripts/prompts.sh [NAME ...]   (default: all)
# A committed recording by a person is not overwritten when NAME.recorded exists.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in espeak-ng sox; do
	command -v $tool >/dev/null || { echo "missing: $tool (apt-get install espeak-ng sox)"; exit 1; }
done
lang=${LA2_LANG:-it} voice=${LA2_VOICE:-it+f2} speed=${LA2_SPEED:-165}
dir=configs/prompts/$lang
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# level IN OUT: telephone band, -20 dBFS RMS over the sounding part, no clipping.
level() {
	local rms
	rms=$(sox "$1" -n stats 2>&1 | awk '/^RMS lev dB/ {print $4}')
	sox -D "$1" -r 8000 -c 1 -b 16 -e signed-integer -t wavpcm "$2" gain -l "$(awk -v r="$rms" 'BEGIN {printf "%.2f", -20 - r}')"
}

speak() { # NAME TEXT
	espeak-ng -v "$voice" -s "$speed" -g 3 -a 70 -w "$work/raw.wav" -- "$2"
	sox -D "$work/raw.wav" "$work/cut.wav" rate -v 8000 highpass 180 lowpass 3500 \
		silence 1 0.01 0.5% reverse silence 1 0.01 0.5% reverse pad "$3" "$4"
	level "$work/cut.wav" "$dir/$1.wav"
}

# bar NUMBER BASS A B C: three seconds of a soft chord with a broken one above it.
bar() {
	local n=$1 bass=$2 a=$3 b=$4 c=$5 i=0 f
	sox -D -n -r 8000 -c 1 "$work/pad$n.wav" synth 3 sine "$bass" synth 3 sine mix "$a" synth 3 sine mix "$b" fade q 0.5 3 0.9 gain -n -12
	for f in "$a" "$b" "$c" "$b" "$c" "$b"; do
		sox -D -R -n -r 8000 -c 1 "$work/note$i.wav" synth 0.5 triangle "$(awk -v f="$f" 'BEGIN {print 2*f}')" fade l 0.02 0.5 0.42 gain -n -16
		i=$((i + 1))
	done
	sox -D "$work"/note[0-5].wav "$work/broken$n.wav"
	sox -D -m "$work/pad$n.wav" "$work/broken$n.wav" "$work/bar$n.wav"
}

music() {
	bar 1 130.81 261.63 329.63 392.00
	bar 2 110.00 220.00 329.63 440.00
	bar 3  87.31 261.63 349.23 440.00
	bar 4  98.00 246.94 293.66 392.00
	bar 5 130.81 261.63 392.00 523.25
	bar 6  87.31 220.00 349.23 440.00
	bar 7  73.42 220.00 293.66 349.23
	bar 8  98.00 246.94 392.00 493.88
	sox -D "$work"/bar[1-8].wav "$work/music.wav" lowpass 2000
	local rms
	rms=$(sox "$work/music.wav" -n stats 2>&1 | awk '/^RMS lev dB/ {print $4}')
	sox -D "$work/music.wav" -r 8000 -c 1 -b 16 -e signed-integer -t wavpcm "$dir/music.wav" gain -l "$(awk -v r="$rms" 'BEGIN {printf "%.2f", -24 - r}')"
}

wanted() { # NAME, among the arguments
	local n=$1 w
	shift
	[ $# -eq 0 ] && return 0
	for w in "$@"; do [ "$w" = "$n" ] && return 0; done
	return 1
}

count=0
while IFS= read -r line; do
	case $line in '' | '#'*) continue ;; esac
	name=${line%% = *} text=${line#* = }
	wanted "$name" "$@" || continue
	[ -e "$dir/$name.recorded" ] && continue
	case $name in
	music) music ;;
	n_*) speak "$name" "$text" 0.02 0.08 ;;
	*) speak "$name" "$text" 0.15 0.25 ;;
	esac
	count=$((count + 1))
done <"$dir/prompts.txt"
echo "$count prompts in $dir, $(du -sh "$dir" | cut -f1)"
