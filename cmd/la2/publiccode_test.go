package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
)

// A publicCode is publiccode.yml 0.7 as far as we use it; any other key is refused.
type publicCode struct {
	Version     string                     `yaml:"publiccodeYmlVersion"`
	Name        string                     `yaml:"name"`
	URL         string                     `yaml:"url"`
	Release     string                     `yaml:"softwareVersion"`
	ReleaseDate string                     `yaml:"releaseDate"`
	Platforms   []string                   `yaml:"platforms"`
	Categories  []string                   `yaml:"categories"`
	Owner       struct{ URI, Name string } `yaml:"organisation"`
	Status      string                     `yaml:"developmentStatus"`
	Type        string                     `yaml:"softwareType"`
	Description map[string]struct {
		Short    string   `yaml:"shortDescription"`
		Long     string   `yaml:"longDescription"`
		Features []string `yaml:"features"`
	} `yaml:"description"`
	Legal       struct{ License string } `yaml:"legal"`
	Maintenance struct {
		Type     string                  `yaml:"type"`
		Contacts []struct{ Name string } `yaml:"contacts"`
	} `yaml:"maintenance"`
	Localisation struct {
		Ready     *bool    `yaml:"localisationReady"`
		Languages []string `yaml:"availableLanguages"`
	} `yaml:"localisation"`
	Supports []struct{ URI string } `yaml:"supports"`
}

// Values of the standard's closed lists.
var (
	publicStatus     = []string{"concept", "development", "beta", "stable", "obsolete"}
	publicType       = []string{"standalone/mobile", "standalone/iot", "standalone/desktop", "standalone/web", "standalone/backend", "standalone/other", "addon", "library", "configurationFiles"}
	publicCare       = []string{"internal", "contract", "community", "none"}
	publicCategories = []string{"call-center-management", "voip", "customer-service-and-support", "help-desk", "knowledge-management", "communications"} // those that fit
	publicSupports   = []string{"alias:gdpr", "alias:spid", "alias:cie", "alias:eidas", "alias:nis2", "alias:cra"}
)

// The catalogue of public software reads publiccode.yml: standard 0.7, without any
// key that it calls deprecated (they are not in publicCode, so the strict decoder
// refuses them).
func TestPubliccode(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "publiccode.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var p publicCode
	if err := yaml.UnmarshalWithOptions(raw, &p, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	good := func(ok bool, what string, value any) {
		t.Helper()
		if !ok {
			t.Errorf("%s: %v", what, value)
		}
	}
	in := func(list []string, what string, values ...string) {
		t.Helper()
		for _, v := range values {
			good(slices.Contains(list, v), what+" is none of "+strings.Join(list, ", "), v)
		}
	}
	good(p.Version == "0.7.0" || p.Version == "0", "publiccodeYmlVersion", p.Version)
	good(p.Name != "", "name", p.Name)
	good(regexp.MustCompile(`^https://[^ ]+\.git$`).MatchString(p.URL), "url is no repository", p.URL)
	good(len(p.Platforms) > 0, "platforms", p.Platforms)
	in(publicStatus, "developmentStatus", p.Status)
	in(publicType, "softwareType", p.Type)
	in(publicCare, "maintenance.type", p.Maintenance.Type)
	in(publicCategories, "categories", p.Categories...)
	good(len(p.Categories) > 0, "categories", p.Categories)
	_, err = time.Parse(time.DateOnly, p.ReleaseDate)
	good(err == nil, "releaseDate", p.ReleaseDate)
	good(regexp.MustCompile(`^urn:x-italian-pa:[a-z0-9_]+$`).MatchString(p.Owner.URI), "organisation.uri", p.Owner.URI)
	good(p.Legal.License == "EUPL-1.2", "legal.license is not the SPDX name of LICENSE", p.Legal.License)
	good(len(p.Maintenance.Contacts) > 0 && p.Maintenance.Contacts[0].Name != "", "maintenance.contacts is required for "+p.Maintenance.Type, p.Maintenance.Contacts)
	good(p.Localisation.Ready != nil, "localisation.localisationReady", "missing")
	good(len(p.Localisation.Languages) > 0, "localisation.availableLanguages", "missing")
	for _, s := range p.Supports {
		in(publicSupports, "supports", s.URI)
	}
	good(p.Description["it"].Short != "", "description.it", "missing")
	language := regexp.MustCompile(`^[a-z]{2}(-[A-Z]{2})?$`)
	for lang, d := range p.Description {
		good(language.MatchString(lang), "description: no language", lang)
		length := func(what, text string, least, most int) {
			t.Helper()
			n := utf8.RuneCountInString(text)
			good(n >= least && n <= most, lang+"."+what+" has another length than allowed", n)
		}
		length("shortDescription", d.Short, 1, 150)
		length("longDescription", d.Long, 150, 10_000)
		good(len(d.Features) > 0, lang+".features", "missing")
		for _, f := range d.Features {
			length("features", f, 1, 100)
		}
	}
	licence, err := os.ReadFile(filepath.Join("..", "..", "LICENSE"))
	if err != nil || !strings.Contains(string(licence), "EUROPEAN UNION PUBLIC LICENCE v. 1.2") {
		t.Errorf("LICENSE is not the EUPL-1.2: %v", err)
	}
}
