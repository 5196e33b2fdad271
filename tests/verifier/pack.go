// A pack: a period of a ledger, unpacked into a folder. about.json says which; the log in it is whole, its chains are not.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// judgedBy are the books without which nothing can be judged: they are in every pack from their first entry on.
var judgedBy = map[string]bool{
	"book~policy": true, "book~directory": true, "book~duties": true, "book~passkeys": true, "book~fingerprint": true,
}

// scope is what a pack covers; nil where the whole ledger is there.
type scope struct{ Period, Since, Until string }

func scopeOf(pack string) *scope {
	data, err := os.ReadFile(filepath.Join(pack, "about.json"))
	found := &scope{}
	if err != nil || json.Unmarshal(data, found) != nil || found.Since == "" || found.Until == "" {
		die("%s is no unpacked pack: it has no about.json that says its period", pack)
	}
	return found
}

// demands says whether an entry must be there: it was sealed in the period, or is of a book by which all is judged.
func (s *scope) demands(one commitment) bool {
	return s == nil || one.At < s.Until && (one.At >= s.Since || judgedBy[one.Case])
}

func (s *scope) covers(here, all int) string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf("\nok: a pack of %s: what was sealed from %s to %s, %d entries of %d; none of them is missing",
		s.Period, s.Since, s.Until, here, all)
}
