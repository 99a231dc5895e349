package ivr

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	m := Menu{Options: []Option{{Key: '1', Topic: "previdenza"}, {Key: '9', Tracking: true}, {Key: '#', Operator: true}}}
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		digits string
		want   Option
		ok     bool
	}{
		{"", Option{Operator: true}, true},
		{"0", Option{Key: '0', Operator: true}, true},
		{"1", m.Options[0], true},
		{"12", m.Options[0], true},
		{"9", m.Options[1], true},
		{"#", m.Options[2], true},
		{"5", Option{}, false},
		{"*", Option{}, false},
	}
	for _, tt := range tests {
		got, ok := m.Choose(tt.digits)
		if ok != tt.ok || got.Key != tt.want.Key || got.Topic != tt.want.Topic || got.Operator != tt.want.Operator || got.Tracking != tt.want.Tracking {
			t.Errorf("Choose(%q) = %+v, %v", tt.digits, got, ok)
		}
	}
}

func TestMenuFaults(t *testing.T) {
	err := Menu{Options: []Option{{Key: '1'}, {Key: '1'}, {Key: 'x'}, {}, {Key: '0', Topic: "t"}}}.Validate()
	for _, want := range []string{"'1': two", "'x': want", `'\x00': want`, "'0': reaches"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is missing in: %v", want, err)
		}
	}
}

// valid makes the code of nine digits, by trying the ten check digits.
func valid(t *testing.T, nine string) string {
	t.Helper()
	var found []string
	for c := range 10 {
		if code, ok := Code(fmt.Sprintf("%s%d", nine, c)); ok {
			found = append(found, code)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s: %d check digits fit, want 1", nine, len(found))
	}
	return found[0]
}

// ISO/IEC 7064 MOD 11,10 finds every wrong digit and nearly every swap of
// neighbours: here all.
func TestCodeErrors(t *testing.T) {
	missed := 0
	for _, nine := range []string{"000000000", "123456789", "987654321", "314159265", "271828182", "999999999", "100000001"} {
		code := valid(t, nine)
		if _, ok := Code(code + "#"); !ok {
			t.Errorf("%s# is not valid", code)
		}
		for i := range code {
			for d := byte('0'); d <= '9'; d++ {
				if wrong := code[:i] + string(d) + code[i+1:]; wrong != code {
					if _, ok := Code(wrong); ok {
						t.Errorf("%s passes for %s", wrong, code)
					}
				}
			}
			if i > 0 && code[i] != code[i-1] {
				swapped := code[:i-1] + string(code[i]) + string(code[i-1]) + code[i+1:]
				if _, ok := Code(swapped); ok {
					missed++
				}
			}
		}
	}
	if missed > 0 {
		t.Errorf("%d transpositions pass", missed)
	}
	for _, bad := range []string{"", "123456789", "12345678901", "12345678*0", "#"} {
		if _, ok := Code(bad); ok {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestPosition(t *testing.T) {
	known := PositionClips()
	for n := -1; n < 30; n++ {
		clips := Position(n)
		if (n <= 0) != (len(clips) == 0) {
			t.Errorf("%d: %v", n, clips)
		}
		for _, c := range clips {
			if !slices.Contains(known, c) {
				t.Errorf("%d: %q is not among PositionClips", n, c)
			}
		}
	}
	if got := strings.Join(Position(7), " "); got != "position n_7" {
		t.Errorf("got %s", got)
	}
}

func ExampleCode() {
	for _, typed := range []string{"1234567896#", "1234567897"} {
		code, ok := Code(typed)
		fmt.Printf("%q %v\n", code, ok)
	}
	// Output:
	// "" false
	// "1234567897" true
}
