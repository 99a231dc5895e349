package cti

// Mask hides a telephone number for logs and screens: the first four digits and
// the last two stay ("+390••••••12"), shorter numbers lose all but the last two.
// An empty number stays empty.
func Mask(number string) string {
	const dots = "••••••"
	if number == "" {
		return ""
	}
	if len(number) <= 2 {
		return dots
	}
	tail := number[len(number)-2:]
	if len(number) < 9 {
		return dots + tail
	}
	return number[:4] + dots + tail
}
