package node

import (
	"strings"
	"testing"

	"github.com/lineaamica/la2/configs"
)

// What a node would not start with, la2 check says, with its place.
func TestVerify_trunksThatLookAlike(t *testing.T) {
	cfg := demoConfig(t, "formezpa", hubIP)
	if err := Verify(cfg); err != nil {
		t.Fatal(err)
	}
	twin := cfg.Trunks[0]
	twin.Name, twin.Numbers = "twin", []string{"+390899999"}
	cfg.Trunks = append(cfg.Trunks, twin, configs.Trunk{Name: "far", Address: configs.Listen{Transport: "udp", Address: twin.Address.Address}, Numbers: []string{"+390899998"}})
	err := Verify(cfg)
	if err == nil {
		t.Fatal("two trunks of one address pass")
	}
	for _, want := range []string{"trunks[2]: source ", "trunks[3]: source ", "is also that of " + cfg.Trunks[0].Name} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want …%s…", err, want)
		}
	}
}
