package events

import "testing"

// Every phase meets every happening.
func TestNext_exhaustive(t *testing.T) {
	type to struct {
		phase phase
		deed  deed
	}
	stay := func(p phase) to { return to{p, nothing} }
	table := map[phase][7]to{ // change, demand, answered, refused, rested, end, lost
		quiet:        {{asked, notify}, {asked, notify}, stay(quiet), stay(quiet), stay(quiet), {ending, notifyLast}, {gone, drop}},
		asked:        {stay(askedOwing), stay(askedOwing), {resting, rest}, {gone, drop}, stay(asked), {ending, notifyLast}, {gone, drop}},
		askedOwing:   {stay(askedOwing), stay(askedOwing), {restingOwing, rest}, {gone, drop}, stay(askedOwing), {ending, notifyLast}, {gone, drop}},
		resting:      {stay(restingOwing), {asked, notify}, stay(resting), stay(resting), stay(quiet), {ending, notifyLast}, {gone, drop}},
		restingOwing: {stay(restingOwing), {asked, notify}, stay(restingOwing), stay(restingOwing), {asked, notify}, {ending, notifyLast}, {gone, drop}},
		ending:       {stay(ending), stay(ending), {gone, drop}, {gone, drop}, stay(ending), stay(ending), {gone, drop}},
		gone:         {stay(gone), stay(gone), stay(gone), stay(gone), stay(gone), stay(gone), stay(gone)},
	}
	if len(table) != int(gone)+1 {
		t.Fatalf("%d phases in the table", len(table))
	}
	for p, row := range table {
		for h, want := range row {
			if got, deed := p.next(happening(h)); got != want.phase || deed != want.deed {
				t.Errorf("%v, happening %d: got %v, deed %d; want %v, deed %d", p, h, got, deed, want.phase, want.deed)
			}
		}
	}
}

// Whatever happens in whatever order: one NOTIFY is outstanding at a time but for the
// last, the last comes once, and a change is never forgotten.
func FuzzNext(f *testing.F) {
	f.Add([]byte{1, 2, 0, 4, 2, 5, 2})
	f.Add([]byte{0, 0, 3})
	f.Fuzz(func(t *testing.T, happenings []byte) {
		p, open, last, owed := quiet, 0, 0, false
		for _, b := range happenings {
			h := happening(b % 7)
			if (h == answered || h == refused) && open == 0 {
				continue // nothing was asked
			}
			if h == answered {
				open--
			}
			if (h == change || h == demand) && p != ending && p != gone {
				owed = true
			}
			var d deed
			p, d = p.next(h)
			switch d {
			case notify:
				open++
				owed = false
				if open > 1 {
					t.Fatal("two NOTIFYs at a time")
				}
			case notifyLast:
				open++
				last++
			case drop:
				return
			}
			if last > 1 {
				t.Fatal("two last NOTIFYs")
			}
			if owed && (p == quiet || p == asked || p == resting) {
				t.Fatalf("a change is forgotten in %v", p)
			}
		}
	})
}
