package b2bua

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
)

func ExampleFormatCapsule() {
	v := FormatCapsule(cti.Capsule{Instant: time.UnixMilli(1_790_000_000_000), Class: cti.ClassOverflow, Hops: 1})
	fmt.Println(v)
	c, ok := ParseCapsule(v)
	fmt.Println(c.Class, c.Hops, c.Instant.UnixMilli(), ok)
	// Output:
	// 743d3b693d313739303030303030303030303b633d6f766572666c6f773b683d31;encoding=hex;purpose=la2
	// overflow 1 1790000000000 true
}

func capsuleOf(text string) string {
	return hex.EncodeToString([]byte(text)) + ";encoding=hex;purpose=la2"
}

func TestParseCapsule_rejects(t *testing.T) {
	good := "t=c_b180.01JZ8Q4W7N5T3X9V2R6K1M0HDC;i=1790000000000;c=transfer;h=1"
	if _, ok := ParseCapsule(capsuleOf(good)); !ok {
		t.Fatal("the good one must parse")
	}
	for name, v := range map[string]string{
		"empty":            "",
		"other purpose":    strings.Replace(capsuleOf(good), "la2", "isdn-uui", 1),
		"no purpose":       hex.EncodeToString([]byte(good)) + ";encoding=hex",
		"no encoding":      hex.EncodeToString([]byte(good)) + ";purpose=la2",
		"odd hex":          "7" + capsuleOf(good),
		"not hex":          "zz" + capsuleOf(good),
		"bad ticket":       capsuleOf("t=x y;i=1;c=transfer;h=1"),
		"unknown class":    capsuleOf("t=;i=1;c=vip;h=1"),
		"negative instant": capsuleOf("t=;i=-1;c=;h=1"),
		"signed instant":   capsuleOf("t=;i=+1;c=;h=1"),
		"huge instant":     capsuleOf("t=;i=99999999999999999999;c=;h=1"),
		"too many hops":    capsuleOf("t=;i=1;c=;h=17"),
		"no hops":          capsuleOf("t=;i=1;c=;h="),
		"other order":      capsuleOf("i=1;t=;c=;h=1"),
		"missing field":    capsuleOf("t=;i=1;c="),
		"extra field":      capsuleOf(good + ";x=1"),
		"too long":         strings.Repeat("41", uuiMaxText+1) + ";encoding=hex;purpose=la2",
	} {
		if c, ok := ParseCapsule(v); ok {
			t.Errorf("%s: got %+v", name, c)
		}
	}
}

// What parses prints and parses to the same.
func FuzzParseCapsule(f *testing.F) {
	f.Add(capsuleOf("t=c_b180.01JZ8Q4W7N5T3X9V2R6K1M0HDC;i=1790000000000;c=transfer;h=1"))
	f.Add(capsuleOf("t=;i=;c=;h=0"))
	f.Add("00;encoding=hex;purpose=la2")
	f.Fuzz(func(t *testing.T, v string) {
		c, ok := ParseCapsule(v)
		if !ok || c == (cti.Capsule{}) {
			return
		}
		again, ok := ParseCapsule(FormatCapsule(c))
		if !ok || again != c {
			t.Fatalf("%q: got %+v, then %+v", v, c, again)
		}
	})
}
