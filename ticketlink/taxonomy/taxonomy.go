// Package taxonomy is what requests are about: the 24 categories of the network
// Linea Amica, in its order, with topics below them.
//
// A category is "01" to "24", a topic "CC.TT". Codes never change their meaning
// and are never reused; a retired topic stays readable. The categories are those
// of the network; its 178 topics were never published, so ours are authored here
// and marked with origin "project". Mapping to the national subject-matter
// vocabulary comes later. The tables are in topics.go; there is no other state.
package taxonomy

import "strings"

// Version names this edition; tickets keep the one they were classified by.
const Version = "1.0"

// A Taxonomy is what GET /cti/v1/taxonomy serves.
type Taxonomy struct {
	Version    string     `json:"version"`
	Categories []Category `json:"categories"`
}

// A Category is one of the 24.
type Category struct {
	Code   string  `json:"code"` // "01" to "24"
	Name   Name    `json:"name"`
	Origin string  `json:"origin"` // "network"
	Topics []Topic `json:"topics"`
	// Words are the menu words that lead here; see Suggest.
	Words []string `json:"-"`
}

// A Topic is one matter within a category.
type Topic struct {
	Code   string `json:"code"` // "CC.TT"
	Name   Name   `json:"name"`
	Origin string `json:"origin"` // "project"
}

// A Name in the languages of the desktop.
type Name struct {
	IT string `json:"it"`
	EN string `json:"en"`
}

// Default is the taxonomy of this release. The caller may change its copy.
func Default() Taxonomy { return Taxonomy{Version: Version, Categories: categories()} }

// Category finds a category by its code.
func (t Taxonomy) Category(code string) (Category, bool) {
	for _, c := range t.Categories {
		if c.Code == code {
			return c, true
		}
	}
	return Category{}, false
}

// Topic finds a topic by its code.
func (t Taxonomy) Topic(code string) (Topic, bool) {
	category, _, _ := strings.Cut(code, ".")
	c, _ := t.Category(category)
	for _, p := range c.Topics {
		if p.Code == code {
			return p, true
		}
	}
	return Topic{}, false
}

// Suggest is the category that a menu word such as "previdenza" means, "" when
// none does. It only fills in a draft; the agent decides.
func (t Taxonomy) Suggest(word string) (code string) {
	word = strings.ToLower(strings.TrimSpace(word))
	for _, c := range t.Categories {
		for _, w := range c.Words {
			if w == word && word != "" {
				return c.Code
			}
		}
	}
	return ""
}
