package configs

import (
	"encoding"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// decode fills v from n. path is the key as people write it: queues[0].name.
func (d *decoder) decode(n ast.Node, v reflect.Value, path string) {
	if _, seen := d.at[path]; !seen {
		d.at[path] = n.GetToken()
	}
	if _, null := n.(*ast.NullNode); null {
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.text(n, u, path)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(n, v, path)
	case reflect.Slice:
		d.sequence(n, v, path)
	case reflect.Map:
		d.dictionary(n, v, path)
	default:
		d.scalar(n, v, path)
	}
}

func (d *decoder) text(n ast.Node, u encoding.TextUnmarshaler, path string) {
	s, ok := scalarText(n)
	if !ok {
		d.faultAt(n, path, "want a single value")
		return
	}
	err := u.UnmarshalText([]byte(s))
	if prefix, is := u.(*netip.Prefix); is && (err != nil || prefix.Addr().Is4In6()) {
		err = errors.New("want a network such as 192.0.2.0/24, or one address as 192.0.2.7/32")
	}
	if err != nil {
		d.faultAt(n, path, err.Error())
	}
}

// entries lists the pairs of a mapping node; a single pair is a node kind of its own.
func entries(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}, true
	}
	return nil, false
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, path string) {
	pairs, ok := entries(n)
	if !ok {
		d.faultAt(n, path, "want keys: "+strings.Join(keysOf(v.Type()), ", "))
		return
	}
	for _, pair := range pairs {
		key := pair.Key.GetToken().Value
		at := join(path, key)
		i, known := fieldOf(v.Type(), key)
		if !known {
			d.faultAt(pair.Key, at, "unknown key; allowed here: "+strings.Join(keysOf(v.Type()), ", "))
			continue
		}
		d.decode(pair.Value, v.Field(i), at)
	}
}

func (d *decoder) sequence(n ast.Node, v reflect.Value, path string) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.faultAt(n, path, "want a list")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, item := range seq.Values {
		d.decode(item, out.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
	v.Set(out)
}

func (d *decoder) dictionary(n ast.Node, v reflect.Value, path string) {
	pairs, ok := entries(n)
	if !ok {
		d.faultAt(n, path, "want keys with values")
		return
	}
	out := reflect.MakeMap(v.Type())
	for _, pair := range pairs {
		key := pair.Key.GetToken().Value
		item := reflect.New(v.Type().Elem()).Elem()
		d.decode(pair.Value, item, join(path, key))
		out.SetMapIndex(reflect.ValueOf(key), item)
	}
	v.Set(out)
}

func (d *decoder) scalar(n ast.Node, v reflect.Value, path string) {
	s, ok := scalarText(n)
	if !ok {
		d.faultAt(n, path, "want a single value")
		return
	}
	if v.Type() == reflect.TypeFor[time.Duration]() {
		dur, err := time.ParseDuration(s)
		if err != nil {
			d.faultAt(n, path, fmt.Sprintf("%q is no duration; write for example 20s, 2m, 500ms", s))
			return
		}
		v.SetInt(int64(dur))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		b, err := strconv.ParseBool(s)
		if err != nil {
			d.faultAt(n, path, fmt.Sprintf("%q is neither true nor false", s))
		}
		v.SetBool(b)
	case reflect.Int:
		i, err := strconv.Atoi(s)
		if err != nil {
			d.faultAt(n, path, fmt.Sprintf("%q is no whole number", s))
		}
		v.SetInt(int64(i))
	default:
		panic("configs: a field of kind " + v.Kind().String() + " has no decoder")
	}
}

// scalarText is the text of a scalar as written.
func scalarText(n ast.Node) (string, bool) {
	switch s := n.(type) {
	case *ast.LiteralNode:
		return s.Value.Value, true
	case *ast.StringNode:
		return s.Value, true
	case ast.ScalarNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func fieldOf(t reflect.Type, key string) (int, bool) {
	for i := range t.NumField() {
		if t.Field(i).IsExported() && t.Field(i).Tag.Get("yaml") == key {
			return i, true
		}
	}
	return 0, false
}

func keysOf(t reflect.Type) []string {
	keys := make([]string, 0, t.NumField())
	for i := range t.NumField() {
		if t.Field(i).IsExported() {
			keys = append(keys, t.Field(i).Tag.Get("yaml"))
		}
	}
	sort.Strings(keys)
	return keys
}
