package ivr

import "strconv"

// SaidUpTo is the highest position that is said as a number.
const SaidUpTo = 20

// Position is the clips that tell a caller its place in the queue, 1 for the
// next; nothing when it has none.
func Position(n int) []string {
	switch {
	case n <= 0:
		return nil
	case n == 1:
		return []string{"next"}
	case n <= SaidUpTo:
		return []string{"position", number(n)}
	}
	return []string{"position_many"}
}

// PositionClips names every clip that Position may ask for.
func PositionClips() []string {
	clips := []string{"next", "position", "position_many"}
	for n := 2; n <= SaidUpTo; n++ {
		clips = append(clips, number(n))
	}
	return clips
}

func number(n int) string { return "n_" + strconv.Itoa(n) }
