package b2bua

// An isupRow is one line of the two tables of RFC 3398 (7.2.4.1 and 8.2.6.1) that
// translate between ITU-T Q.850 cause values and SIP statuses.
type isupRow struct{ q850, status int }

// statusTable is RFC 3398 7.2.4.1: what a Q.850 value is as a SIP status. 16 is the
// ordinary end of a call and has none.
func statusTable() []isupRow {
	return []isupRow{
		{1, 404}, {2, 404}, {3, 404}, {17, 486}, {18, 408}, {19, 480}, {20, 480}, {21, 403}, {22, 410}, {23, 410},
		{26, 404}, {27, 502}, {28, 484}, {29, 501}, {31, 480},
		{34, 503}, {38, 503}, {41, 503}, {42, 503}, {47, 503},
		{55, 403}, {57, 403}, {58, 503},
		{65, 488}, {70, 488}, {79, 501},
		{87, 403}, {88, 503},
		{102, 504}, {111, 500}, {127, 500},
	}
}

// q850Table is RFC 3398 8.2.6.1: what a SIP status is as a Q.850 value. 487 has none;
// 488 and 606, which go by their Warning there, are 65 (bearer capability not
// implemented) here.
func q850Table() []isupRow {
	return []isupRow{
		{41, 400}, {21, 401}, {21, 402}, {21, 403}, {1, 404}, {63, 405}, {79, 406}, {21, 407}, {102, 408}, {22, 410},
		{127, 413}, {127, 414}, {79, 415}, {127, 416}, {127, 420}, {127, 421}, {127, 423},
		{18, 480}, {41, 481}, {25, 482}, {25, 483}, {28, 484}, {1, 485}, {17, 486}, {65, 488},
		{41, 500}, {79, 501}, {38, 502}, {41, 503}, {102, 504}, {127, 505}, {127, 513},
		{17, 600}, {21, 603}, {1, 604}, {65, 606},
	}
}

// StatusOfQ850 is the SIP status of a Q.850 cause value, 1 to 127: by the class of
// the value (its upper three bits, Q.850 2.2.5) where the table has no line, 0 for an
// ordinary end.
func StatusOfQ850(value int) int {
	for _, r := range statusTable() {
		if r.q850 == value {
			return r.status
		}
	}
	switch {
	case value < 1 || value > 127 || value == 16 || value == 30:
		return 0
	case value < 16: // no route, misdialled
		return 404
	case value < 32: // normal events
		return 480
	case value < 64: // no resource, not available
		return 503
	case value < 80: // not implemented
		return 501
	case value < 96: // invalid message
		return 400
	}
	return 500
}

// Q850OfStatus is the Q.850 cause value of a final status, 300 to 699: 41 and 21 for
// the classes 5xx and 6xx, 31 for the rest where the table has no line.
func Q850OfStatus(status int) int {
	for _, r := range q850Table() {
		if r.status == status {
			return r.q850
		}
	}
	switch {
	case status >= 600:
		return 21
	case status >= 500:
		return 41
	}
	return 31
}
