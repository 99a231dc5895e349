package taxonomy

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// The 24 categories in the order in which the network names them.
//
//nolint:misspell // Italian
func TestDefault_order(t *testing.T) {
	want := strings.Split("Alimentazione · Ambiente · Arte e cultura · Casa · Cittadini e vita pubblica · Economia e Investimenti · Giustizia · Istruzione e Formazione · "+
		"Lavoro e carriere · Media e Informazione · Politica e Istituzioni · Politiche sociali · Previdenza · Salute e benessere · Scienza, Tecnologia e Innovazione · "+
		"Sicurezza · Sport e tempo libero · Tasse · Trasporti e infrastrutture · Attività produttive e sviluppo economico · "+
		"Agricoltura · Assetto del territorio · Caccia e Pesca · Turismo", " · ")
	got := Default().Categories
	if len(got) != 24 || len(want) != 24 {
		t.Fatalf("%d categories, want %d", len(got), len(want))
	}
	for i, c := range got {
		if c.Name.IT != want[i] || c.Code != fmt.Sprintf("%02d", i+1) || c.Name.EN == "" || c.Origin != "network" {
			t.Errorf("%d: got %s %+v", i, c.Code, c.Name)
		}
	}
}

// Every category has a topic, every topic a unique code of its category.
func TestDefault_topics(t *testing.T) {
	tax := Default()
	seen := map[string]bool{}
	words := map[string]bool{}
	for _, c := range tax.Categories {
		if len(c.Topics) == 0 {
			t.Errorf("%s has no topic", c.Code)
		}
		for i, p := range c.Topics {
			if p.Code != fmt.Sprintf("%s.%02d", c.Code, i+1) || seen[p.Code] || p.Origin != "project" || p.Name.IT == "" || p.Name.EN == "" {
				t.Errorf("%s: got %+v", c.Code, p)
			}
			seen[p.Code] = true
			if got, ok := tax.Topic(p.Code); !ok || got != p {
				t.Errorf("Topic(%s) = %v, %v", p.Code, got, ok)
			}
		}
		for _, w := range c.Words {
			if words[w] || tax.Suggest(" "+strings.ToUpper(w)) != c.Code {
				t.Errorf("word %s", w)
			}
			words[w] = true
		}
	}
	t.Logf("%d topics", len(seen))
}

func TestUnknown(t *testing.T) {
	tax := Default()
	for _, code := range []string{"", ".", "13", "13.99", "25.01", "13.01.01"} {
		if _, ok := tax.Topic(code); ok {
			t.Errorf("topic %q", code)
		}
	}
	if _, ok := tax.Category("25"); ok || tax.Suggest("") != "" || tax.Suggest("x") != "" {
		t.Error("found something")
	}
}

func TestJSON(t *testing.T) {
	raw, err := json.Marshal(Default())
	if err != nil || !strings.HasPrefix(string(raw), `{"version":"1.0","categories":[{"code":"01","name":{"it":"Alimentazione","en":"Food"},"origin":"network","topics":[{"code":"01.01",`) {
		t.Errorf("got %.120s, %v", raw, err)
	}
}

func ExampleTaxonomy_Topic() {
	t, _ := Default().Topic("13.02")
	fmt.Println(t.Name.IT)
	// Output: Contributi e ricongiunzione
}
