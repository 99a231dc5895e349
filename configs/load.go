package configs

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// A Fault is one thing wrong with a file, where it stands.
type Fault struct {
	File         string
	Line, Column int // from 1; 0 when the whole file is meant
	Key          string
	Message      string // what is wrong and what is allowed
}

func (f *Fault) Error() string {
	where := f.File
	if f.Line > 0 {
		where = fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)
	}
	if f.Key == "" {
		return where + ": " + f.Message
	}
	return where + ": " + f.Key + ": " + f.Message
}

// maxFile bounds a configuration file; the largest sensible one is far smaller.
const maxFile = 4 << 20

// Load reads a file strictly. The error joins a *Fault for each thing wrong.
func Load(path string) (*Config, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, &Fault{File: path, Message: "cannot be read: " + plain(err)}
	}
	if info.Size() > maxFile {
		return nil, &Fault{File: path, Message: "is larger than 4 MiB"}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, &Fault{File: path, Message: "cannot be read: " + plain(err)}
	}
	return Parse(path, raw)
}

func plain(err error) string {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// Parse is Load over bytes; name stands for the file in errors.
func Parse(name string, raw []byte) (*Config, error) {
	file, err := parser.ParseBytes(raw, 0)
	if err != nil {
		return nil, syntaxFault(name, err)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, &Fault{File: name, Message: "want exactly one YAML document"}
	}
	cfg := Default()
	d := &decoder{file: name, at: map[string]*token.Token{}}
	d.decode(file.Docs[0].Body, reflect.ValueOf(cfg).Elem(), "")
	if len(d.faults) == 0 {
		check(cfg, d.report)
	}
	if len(d.faults) > 0 {
		return nil, d.joined()
	}
	cfg.source = d
	return cfg, nil
}

// syntaxFault turns the parser's "[line:column] message" and excerpt into a Fault.
func syntaxFault(name string, err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	f := &Fault{File: name, Message: text}
	if n, _ := fmt.Sscanf(text, "[%d:%d]", &f.Line, &f.Column); n == 2 {
		_, f.Message, _ = strings.Cut(text, "] ")
	}
	return f
}

// A decoder fills a struct from the syntax tree and remembers where each key
// stands, so that later checks can point at it.
type decoder struct {
	file   string
	at     map[string]*token.Token // path → token of its value
	faults []*Fault
}

// Fault is a complaint about the value of path (as in queues[0].name) by those who
// know more about it than this package; it says where the value stands.
func (c *Config) Fault(path, message string) error {
	if c.source == nil {
		return &Fault{File: "configuration", Key: path, Message: message}
	}
	return c.source.fault(path, message)
}

func (d *decoder) report(path, message string) {
	d.faults = append(d.faults, d.fault(path, message))
}

func (d *decoder) joined() error {
	errs := make([]error, len(d.faults))
	for i, f := range d.faults {
		errs[i] = f
	}
	return errors.Join(errs...)
}

// fault stands at the value of path, or at the nearest parent that the file holds.
func (d *decoder) fault(path, message string) *Fault {
	f := &Fault{File: d.file, Key: path, Message: message}
	for p := path; ; {
		if t := d.at[p]; t != nil {
			f.Line, f.Column = t.Position.Line, t.Position.Column
			return f
		}
		i := strings.LastIndexAny(p, ".[")
		if i < 0 {
			return f
		}
		p = p[:i]
	}
}

func (d *decoder) faultAt(n ast.Node, path, message string) {
	d.at[path] = n.GetToken()
	d.report(path, message)
}
