package hours

import "time"

// PublicHoliday tells whether a day is a national holiday of Italy. Sundays are
// holidays by law too; the weekly plan decides about them.
func PublicHoliday(year int, month time.Month, day int) bool {
	switch int(month)*100 + day {
	case 101, 106, 425, 501, 602, 815, 1101, 1208, 1225, 1226:
		return true
	case 1004: // San Francesco d'Assisi, l. 151/2025
		return year >= 2026
	}
	m, d := Easter(year)
	easter := time.Date(year, m, d, 0, 0, 0, 0, time.UTC)
	today := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	return today.Equal(easter) || today.Equal(easter.AddDate(0, 0, 1))
}

// Easter is Easter Sunday of the Gregorian calendar (the anonymous computus of
// Nature, 1876, as in Meeus, Astronomical Algorithms, chapter 8).
func Easter(year int) (time.Month, int) {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	f := (b + 8) / 25
	g := (b - f + 1) / 3
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return time.Month(n / 31), n%31 + 1
}
