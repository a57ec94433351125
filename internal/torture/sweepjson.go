package torture

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/model"
)

// hostileValues are values that no field of a container has.
var hostileValues = []string{
	`null`, `true`, `false`, `-1`, `0`, `1`, `0.5`, `1e400`, `9223372036854775808`, `18446744073709551616`, `NaN`,
	`""`, `"\u0000"`, `"../x"`, `".git/config"`, `"C:\\x"`, `"\ud800"`, "\"\xff\"", `"\u001b[2J"`, `"` + strings.Repeat("x", 1<<16) + `"`,
	`[]`, `{}`, `[[]]`, strings.Repeat("[", 2000) + strings.Repeat("]", 2000), strings.Repeat(`{"":`, 20_000) + "0" + strings.Repeat("}", 20_000),
}

// A jsonValue is a value within a JSON text: text[from:to]. With the name of its member it is text[key:to].
type jsonValue struct {
	path          string
	name          string // the name of a member; "" for an element
	key, from, to int
}

// jsonValues returns all values of a valid JSON text but the outermost one.
func jsonValues(text []byte) (list []jsonValue) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	next := func() int { // returns the start of the next token
		i := int(d.InputOffset())
		for bytes.IndexByte([]byte(" \t\r\n:,"), text[i]) >= 0 {
			i++
		}
		return i
	}
	token := func() json.Token {
		t, err := d.Token()
		if err != nil {
			panic(err) // the text is valid
		}
		return t
	}
	var value func(path string)
	value = func(path string) {
		open := token()
		for i := 0; (open == json.Delim('{') || open == json.Delim('[')) && d.More(); i++ {
			v := jsonValue{path: fmt.Sprintf("%s[%d]", path, i), key: next()}
			if open == json.Delim('{') {
				v.name = token().(string)
				v.path = path + "." + v.name
			}
			v.from = next()
			at := len(list)
			list = append(list, v)
			value(v.path)
			list[at].to = int(d.InputOffset())
		}
		if open == json.Delim('{') || open == json.Delim('[') {
			token()
		}
	}
	value("")
	return list
}

// hostileTexts returns a JSON text with each value replaced by each hostile value and by its neighbours, left out,
// and doubled. It does the same within strings that hold JSON.
func hostileTexts(text []byte) iter.Seq2[func() string, func() []byte] {
	return func(yield func(func() string, func() []byte) bool) {
		hostile(text, "", func(inner []byte) []byte { return inner }, yield)
	}
}

func hostile(text []byte, where string, outer func([]byte) []byte, yield func(func() string, func() []byte) bool) bool {
	values := jsonValues(text)
	for i, v := range values {
		replaced := func(by []byte) func() []byte {
			return func() []byte { return outer(slices.Concat(text[:v.from], by, text[v.to:])) }
		}
		for _, by := range hostileValues {
			if !yield(named("%s%s = %.40s", where, v.path, by), replaced([]byte(by))) {
				return false
			}
		}
		for _, other := range neighbours(values, i) {
			if !yield(named("%s%s = %s", where, v.path, other.path), replaced(text[other.from:other.to])) {
				return false
			}
		}
		if !yield(named("%s%s left out", where, v.path), func() []byte { return outer(without(text, v)) }) {
			return false
		}
		for _, twice := range []string{string(text[v.from:v.to]), "null", "{}"} {
			member := append(bytes.Clone(text[v.key:v.from]), twice...)
			if !yield(named("%s%s twice, once %.40s", where, v.path, twice), func() []byte {
				return outer(slices.Concat(text[:v.to], []byte(","), member, text[v.to:]))
			}) {
				return false
			}
		}
		var inner string
		if json.Unmarshal(text[v.from:v.to], &inner) == nil && strings.HasPrefix(inner, "{") && json.Valid([]byte(inner)) {
			if !hostile([]byte(inner), where+v.path+"/", func(changed []byte) []byte { return replaced(quoted(changed))() }, yield) {
				return false
			}
		}
	}
	return true
}

// neighbours returns the next value, and the next value with the same name.
func neighbours(values []jsonValue, i int) (list []jsonValue) {
	v, rest := values[i], values[i+1:]
	if j := slices.IndexFunc(rest, func(n jsonValue) bool { return n.from >= v.to }); j >= 0 {
		list = append(list, rest[j])
	}
	if j := slices.IndexFunc(rest, func(n jsonValue) bool { return n.from >= v.to && n.name == v.name }); v.name != "" && j >= 0 {
		list = append(list, rest[j])
	}
	return list
}

// without takes a value out of a text, with the comma beside it.
func without(text []byte, v jsonValue) []byte {
	before := bytes.TrimRight(text[:v.key], " \t\r\n")
	after := bytes.TrimLeft(text[v.to:], " \t\r\n")
	if bytes.HasSuffix(before, []byte(",")) {
		before = before[:len(before)-1]
	} else {
		after = bytes.TrimPrefix(after, []byte(","))
	}
	return slices.Concat(before, after)
}

// quoted writes a string as the sidecar does.
func quoted(s []byte) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(string(s)); err != nil {
		panic(err) // strings can be encoded
	}
	return bytes.TrimSpace(b.Bytes())
}

// jsonDamages has cases for all values of the sidecar, of config.json and of the headers of safetensors files.
func jsonDamages(c *sweepContainer) iter.Seq[sweepCase] { return jsonCases(c, false) }

// forgedJSONDamages has the same cases with the sums of the texts made right.
func forgedJSONDamages(c *sweepContainer) iter.Seq[sweepCase] { return jsonCases(c, true) }

func jsonCases(c *sweepContainer, forged bool) iter.Seq[sweepCase] {
	return sweepLoop(func(yield func(sweepCase) bool) bool {
		for _, path := range []string{model.SidecarName, model.ConfigName} {
			if _, ok := c.files[path]; !ok || forged && path == model.ConfigName && !c.own() {
				continue
			}
			for what, text := range hostileTexts(c.files[path].data) {
				if !yield(sweepCase{what: func() string { return path + what() }, forged: forged, change: func() map[string][]byte {
					changed := one(path, text())
					switch {
					case forged && path == model.SidecarName:
						changed[path] = sealSidecar(changed[path])
					case forged:
						maps.Copy(changed, c.vouch(path, changed[path]))
					}
					return changed
				}}) {
					return false
				}
			}
		}
		for _, path := range c.files.weights() {
			header, data, err := splitSafetensors(c.files[path].data)
			if err != nil {
				panic(err) // the container is sound
			}
			if forged && !c.own() {
				continue
			}
			for what, text := range hostileTexts(header) {
				if !yield(sweepCase{what: func() string { return path + what() }, forged: forged, change: func() map[string][]byte {
					changed := text()
					if forged {
						changed = sealHeader(changed)
					}
					return one(path, joinSafetensors(changed, data))
				}}) {
					return false
				}
			}
		}
		return true
	})
}

// vouch returns the files that change when the metadata get the sum of the present content of another file.
func (c *sweepContainer) vouch(path string, content []byte) map[string][]byte {
	changed := map[string][]byte{}
	for _, name := range c.files.weights() {
		header, data, err := splitSafetensors(c.files[name].data)
		if err != nil {
			panic(err) // the container is sound
		}
		was, is := model.SumOf(c.files[path].data), model.SumOf(content)
		text := strings.ReplaceAll(string(header), fmt.Sprintf("%d:%s", was.Size, was.XXH128), fmt.Sprintf("%d:%s", is.Size, is.XXH128))
		if text != string(header) {
			changed[name] = joinSafetensors(sealHeader([]byte(text)), data)
		}
	}
	return changed
}
