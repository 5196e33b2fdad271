// Verifies an Almoner ledger with nothing of Almoner: Go's own sumdb packages, and the formats of C2SP.
//
//	verifier -store DIR|URL|s3://BUCKET -key NAME+ID+KEY [-witness DIR|URL|s3://BUCKET -witness-key NAME+ID+KEY]
//	verifier ... -head SIZE:ROOT   (a fingerprint that you kept: the log must continue it)
//	verifier -pack DIR -key NAME+ID+KEY [-witness-key NAME+ID+KEY]
//
// It reads log/checkpoint and log/tile/..., rebuilds the tree, follows the log's keys, compares every entry of every chain
// with what the log commits to, every document with its name, and the whole with what the witness saw. A bucket is asked
// for its versions too (see versions.go). Each thing that does not hold is one line: where it is, and what is wrong.
// Exit 0: all holds; 1: something does not; 2: it could not look.
package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	width  = 256
	unseen = 10 * time.Minute // a witness that has not seen what was sealed so long ago stands still
)

var (
	out      = bufio.NewWriter(os.Stdout)
	wrong    []finding
	waiting  int // entries of the last moments, which no head holds yet
	asOf     time.Time
	given    bool // whether somebody said as of when
	referred = regexp.MustCompile(`"(?:seen|object|policy)":"([0-9a-f]{64})"`)
	alarmKey = regexp.MustCompile(`^alarms/[^/]+$`)
	entryKey = regexp.MustCompile(`^cases/([^/]+)/(\d+)\.json$`)
)

type finding struct{ where, what string }

func finds(where, format string, args ...any) {
	wrong = append(wrong, finding{where, fmt.Sprintf(format, args...)})
}

// place is where a store lies. fs.ErrNotExist: there is nothing under that key.
type place interface {
	get(key string) ([]byte, error)
}

// folder is a copy of a store on a disk.
type folder string

func (f folder) get(key string) ([]byte, error) { return os.ReadFile(filepath.Join(string(f), key)) }

// web is whatever answers GET: a bucket that the public may read, a web server.
type web string

func (w web) get(key string) ([]byte, error) {
	answer, err := http.Get(string(w) + "/" + key)
	if err != nil {
		return nil, err
	}
	return read(answer)
}

func read(answer *http.Response) ([]byte, error) {
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound {
		return nil, fs.ErrNotExist
	}
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New(answer.Status)
	}
	return io.ReadAll(answer.Body)
}

func open(address string) place {
	if strings.HasPrefix(address, "s3://") {
		return newBucket(address)
	}
	if strings.HasPrefix(address, "http") {
		return web(address)
	}
	return folder(address)
}

// commitment is one entry of the log.
type commitment struct {
	At     string `json:"at"`
	Case   string `json:"case"`
	Digest string `json:"digest"`
	Seq    int    `json:"seq"`
}

func (c commitment) key() string { return fmt.Sprintf("cases/%s/%08d.json", c.Case, c.Seq) }

// tree holds every hash of the log, in the order in which tlog stores them.
type tree []tlog.Hash

func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x >= int64(len(*t)) {
			return nil, errors.New("not in the tree")
		}
		found[i] = (*t)[x]
	}
	return found, nil
}

type tenure struct {
	key          note.Verifier
	since, until int64
}

// tenures follows the log's keys from the first: log/keys/000001 is a note by which one hands over to the next.
func tenures(store place, first string) []tenure {
	key, err := note.NewVerifier(first)
	if err != nil {
		die("the key: %v", err)
	}
	found := []tenure{{key, 0, 1 << 62}}
	for n := 1; ; n++ {
		name := fmt.Sprintf("log/keys/%06d", n)
		data, err := store.get(name)
		if errors.Is(err, fs.ErrNotExist) {
			return found
		}
		lines := strings.Split(string(data), "\n")
		if err == nil && len(lines) > 3 && lines[0] == "almoner/key-handover/v1" {
			var next note.Verifier
			if next, err = note.NewVerifier(lines[2]); err == nil {
				var opened *note.Note
				opened, err = note.Open(data, note.VerifierList(key, next))
				since, bad := strconv.ParseInt(lines[1], 10, 64)
				if err == nil && bad == nil && len(opened.Sigs) == 2 && next.Name() == key.Name() {
					found[len(found)-1].until = since
					found, key = append(found, tenure{next, since, 1 << 62}), next
					continue
				}
			}
		}
		finds(name, "altered: it is not a handover that both keys signed")
		return found
	}
}

// head reads a signed head; false where it is none of the log's.
func head(store place, name string, keys []tenure) (tlog.Tree, bool) {
	data, err := store.get(name)
	if err != nil {
		finds(name, "removed: there is no head")
		return tlog.Tree{}, false
	}
	shown, ok := opened(data, keys)
	if !ok {
		finds(name, "altered: it is not a head that the log's key signed")
	}
	return shown, ok
}

func opened(data []byte, keys []tenure) (tlog.Tree, bool) {
	for _, one := range keys {
		signed, err := note.Open(data, note.VerifierList(one.key))
		if err != nil {
			continue
		}
		if origin, shown, ok := checkpoint(signed.Text); ok && origin == one.key.Name() && one.since <= shown.N && shown.N <= one.until {
			return shown, true
		}
	}
	return tlog.Tree{}, false
}

func checkpoint(text string) (string, tlog.Tree, bool) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return "", tlog.Tree{}, false
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	root, err2 := tlog.ParseHash(lines[2])
	return lines[0], tlog.Tree{N: size, Hash: root}, err == nil && err2 == nil
}

func tilePath(level string, tile tlog.Tile) string {
	return "log/tile/" + level + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/8/%d", tile.L))
}

// entries reads the log's entries and builds the tree of them.
func entries(store place, size int64, hashes *tree) []commitment {
	found := make([]commitment, 0, size)
	for start := int64(0); start < size; start += width {
		bundle := tlog.Tile{H: 8, L: 0, N: start / width, W: int(min64(width, size-start))}
		where := tilePath("entries", bundle)
		data, err := store.get(where)
		if err != nil {
			finds(where, "removed: the head needs it")
		}
		leaves, _ := store.get(tilePath("0", bundle))
		for i := 0; i < bundle.W; i++ {
			index := start + int64(i)
			if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
				finds(where, "altered: it holds no entry %d", index)
				return found
			}
			length := int(binary.BigEndian.Uint16(data))
			leaf := data[2 : 2+length]
			data = data[2+length:]
			var one commitment
			if json.Unmarshal(leaf, &one) != nil || one.Seq < 1 || one.Case == "" {
				finds(where, "altered: entry %d is not a commitment", index)
			}
			found = append(found, one)
			record := tlog.RecordHash(leaf)
			if len(leaves) < 32*(i+1) || !bytes.Equal(leaves[32*i:32*i+32], record[:]) {
				finds(one.key(), "altered: entry %d of the log is not the one its tile holds", index)
			}
			more, err := tlog.StoredHashesForRecordHash(index, record, hashes)
			if err != nil {
				die("%v", err)
			}
			*hashes = append(*hashes, more...)
		}
		if len(data) > 0 || len(leaves) != 32*bundle.W {
			finds(where, "altered: it or its tile holds more than it should")
		}
	}
	return found
}

// current holds a head against the lock, which is written before it: ahead for a moment, never behind.
func current(store place, keys []tenure, shown tlog.Tree) tlog.Tree {
	lock, known := head(store, "log/lock", keys)
	if !known {
		return shown
	}
	for look := 0; look < 5 && lock.N > shown.N; look++ {
		last := tlog.Tile{H: 8, L: 0, N: (lock.N - 1) / width, W: int((lock.N-1)%width + 1)}
		if _, err := store.get(tilePath("0", last)); err != nil {
			return shown // its tiles are still being written
		}
		time.Sleep(100 * time.Millisecond)
		if data, err := store.get("log/checkpoint"); err == nil {
			if later, ok := opened(data, keys); ok {
				shown = later
			}
		}
	}
	switch {
	case lock.N > shown.N:
		finds("log/checkpoint", "replayed: the lock is at %d entries, it shows %d", lock.N, shown.N)
	case lock.N < shown.N:
		data, _ := store.get("log/lock")
		if now, ok := opened(data, keys); !ok || now.N < shown.N {
			finds("log/lock", "replayed: it is at %d entries, %d were published", lock.N, shown.N)
		}
	case lock != shown:
		finds("log/checkpoint", "rewritten: the lock holds another head of the same size")
	}
	return shown
}

// waits says whether an entry is so new that no head need hold it yet: by its own times, which lie within the last minute.
func waits(data []byte) bool {
	var entry struct{ Lines []struct{ At time.Time } }
	if json.Unmarshal(data, &entry) != nil {
		return false
	}
	var last time.Time
	for _, line := range entry.Lines {
		if line.At.After(last) {
			last = line.At
		}
	}
	latest := asOf
	if !given {
		latest = time.Now() // it may have been written while this goes on
	}
	return last.After(asOf.Add(-time.Minute)) && last.Before(latest.Add(time.Minute))
}

// tiles compares every tile above the leaves with the tree.
func tiles(store place, size int64, hashes *tree) {
	for level := 1; size>>(8*level) > 0; level++ {
		for start, nodes := int64(0), size>>(8*level); start < nodes; start += width {
			tile := tlog.Tile{H: 8, L: level, N: start / width, W: int(min64(width, nodes-start))}
			want, err := tlog.ReadTileData(tile, hashes)
			where := tilePath(strconv.Itoa(level), tile)
			if data, missing := store.get(where); missing != nil || err != nil || !bytes.Equal(data, want) {
				finds(where, "altered: it is not what the tiles below it hash to")
			}
		}
	}
}

// chains compares every entry that the log commits to with the store, and each with the one before it. Of a pack, what
// is not of its period may be missing, unless the same chain goes on after it. It returns how many entries are there.
func chains(store place, log []commitment, period *scope) int {
	known, documents := make(map[string]string, len(log)), map[string]bool{}
	last, absent, here := map[string]int{}, []commitment{}, 0
	for _, one := range log {
		if _, twice := known[one.key()]; twice {
			finds(one.key(), "doubled: the log commits to it twice")
		}
		known[one.key()] = one.Digest
	}
	for _, one := range log {
		data, err := store.get(one.key())
		if err != nil && !period.demands(one) {
			absent = append(absent, one)
			continue
		}
		if err != nil {
			finds(one.key(), "removed: the log holds it")
			continue
		}
		here++
		if one.Seq > last[one.Case] {
			last[one.Case] = one.Seq
		}
		sum := sha256.Sum256(data)
		if hex.EncodeToString(sum[:]) != one.Digest {
			finds(one.key(), "altered: it is not the entry that the log holds")
			continue
		}
		var entry struct {
			Case, Prev string
			Seq        int
		}
		before := commitment{Case: one.Case, Seq: one.Seq - 1}.key()
		if json.Unmarshal(data, &entry) != nil || entry.Case != one.Case || entry.Seq != one.Seq || entry.Prev != known[before] {
			finds(one.key(), "altered: it does not follow the entry before it")
		}
		for _, name := range referred.FindAllSubmatch(data, -1) {
			documents[string(name[1])] = true
		}
	}
	for _, one := range absent {
		if one.Seq < last[one.Case] {
			finds(one.key(), "removed: the chain goes on after it")
		}
	}
	for name := range documents {
		data, err := store.get("objects/" + name)
		if sum := sha256.Sum256(data); err != nil || hex.EncodeToString(sum[:]) != name {
			finds("objects/"+name, "altered: a document is not what its name says, or gone")
		}
	}
	for _, key := range list(store, "cases", entryKey) {
		if _, held := known[key]; held {
			continue
		}
		if data, err := store.get(key); err == nil && period == nil && waits(data) {
			waiting++
		} else {
			finds(key, "inserted: the log does not hold it")
		}
	}
	return here
}

// list names what a store shows under keys of one form; none where it cannot be listed.
func list(store place, top string, form *regexp.Regexp) []string {
	var found []string
	switch from := store.(type) {
	case folder:
		root := string(from)
		filepath.WalkDir(filepath.Join(root, top), func(path string, _ fs.DirEntry, err error) error {
			key, _ := filepath.Rel(root, path)
			if key = filepath.ToSlash(key); err == nil && form.MatchString(key) {
				found = append(found, key)
			}
			return nil
		})
	case *bucket:
		for key, held := range from.list() {
			if form.MatchString(key) && !held.hidden {
				found = append(found, key)
			}
		}
	}
	return found
}

// cosigner believes a witness: C2SP tlog-cosignature, Ed25519.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(text, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	said := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), text)
	return ed25519.Verify(c.key, []byte(said), sig[8:])
}

func newCosigner(text string) cosigner {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 {
		die("the witness's key is not NAME+ID+KEY")
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 33 || raw[0] != 4 {
		die("the witness's key is not one that cosigns")
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
	return cosigner{parts[0], binary.BigEndian.Uint32(sum[:4]), raw[1:]}
}

// cosigned opens a head that the witness cosigned, and says when it did.
func cosigned(data []byte, key cosigner) (seen tlog.Tree, at time.Time, ok bool) {
	signed, err := note.Open(data, note.VerifierList(key))
	if err != nil {
		return tlog.Tree{}, time.Time{}, false
	}
	if raw, err := base64.StdEncoding.DecodeString(signed.Sigs[0].Base64); err == nil && len(raw) > 12 {
		at = time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0)
	}
	_, seen, ok = checkpoint(signed.Text)
	return seen, at, ok
}

// witness compares the log with what the witness saw of it, and says what it refused.
func witness(own place, key cosigner, keys []tenure, shown tlog.Tree, log []commitment, hashes *tree) {
	for _, name := range list(own, "alarms", alarmKey) {
		var alarm struct{ Why string }
		if data, err := own.get(name); err != nil || json.Unmarshal(data, &alarm) != nil || alarm.Why == "" {
			alarm.Why = "it is not an alarm as the witness writes one"
		}
		finds("witness/"+name, "refused: the witness did not cosign: %s", alarm.Why)
	}
	data, err := own.get("checkpoint")
	seen, _, ok := cosigned(data, key)
	if err != nil || !ok {
		finds("witness/checkpoint", "altered: it is not a head that the witness cosigned")
		return
	}
	if _, signed := opened(data, keys); !signed {
		finds("witness/checkpoint", "altered: the log's own signature on it does not hold")
	}
	if rest := log[min64(seen.N, int64(len(log))):]; len(rest) > 0 {
		if sealed, err := time.Parse(time.RFC3339, rest[0].At); err != nil || sealed.Before(asOf.Add(-unseen)) {
			finds("log/checkpoint", "unwitnessed: the witness has seen %d entries, and not what was sealed since %s", seen.N, rest[0].At)
		}
	}
	if seen.N > shown.N {
		finds("log/checkpoint", "replayed: the witness has seen %d entries, it shows %d", seen.N, shown.N)
	}
	root, err := tlog.TreeHash(min64(seen.N, int64(len(log))), hashes)
	same := seen.N <= int64(len(log)) && (seen.N == 0 || err == nil && root == seen.Hash)
	named := false
	for start := int64(0); start < min64(seen.N, int64(len(log))); start += width {
		tile := tlog.Tile{H: 8, L: 0, N: start / width, W: int(min64(width, seen.N-start))}
		where := strings.TrimPrefix(tilePath("0", tile), "log/")
		held, err := own.get(where)
		if err != nil {
			finds("witness/"+where, "removed: the head that the witness cosigned needs it")
			continue
		}
		if len(held) != 32*tile.W {
			finds("witness/"+where, "altered: it does not hold %d hashes", tile.W)
		}
		for i := start; i < min64(start+int64(min64(int64(tile.W), int64(len(held)/32))), int64(len(log))); i++ {
			record := (*hashes)[tlog.StoredHashIndex(0, i)]
			if bytes.Equal(held[32*(i-start):32*(i-start)+32], record[:]) {
				continue
			}
			if same { // the cosigned root says who is right
				finds("witness/"+where, "altered: it does not hold the hashes of which the witness cosigned the root")
			} else if !named {
				finds(log[i].key(), "rewritten: the witness saw another entry %d of the log", i)
				named = true
			}
			break
		}
	}
	if seen.N <= int64(len(log)) && !same {
		finds("log/checkpoint", "rewritten: the head does not continue the one that the witness saw")
	}
}

// continues holds the log against a head that somebody kept.
func continues(kept string, log []commitment, hashes *tree) {
	if kept == "" {
		return
	}
	size, text, _ := strings.Cut(kept, ":")
	n, err := strconv.ParseInt(size, 10, 64)
	root, bad := hex.DecodeString(text)
	if err != nil || bad != nil || n < 1 || len(root) != sha256.Size {
		die("-head: a head reads SIZE:ROOT, the root in 64 hex digits")
	}
	if n > int64(len(log)) {
		finds("log/checkpoint", "replayed: it shows %d entries, the head that was given names %d", len(log), n)
	} else if held, err := tlog.TreeHash(n, hashes); err != nil || !bytes.Equal(held[:], root) {
		finds("log/checkpoint", "rewritten: the first %d entries do not have the root that was given", n)
	}
}

func min64(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

func die(format string, args ...any) {
	out.Flush()
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(2)
}

func main() {
	store := flag.String("store", ".", "folder or address of the ledger's store")
	key := flag.String("key", "", "first public key of the log")
	own := flag.String("witness", "", "folder or address of the witness's store")
	ownKey := flag.String("witness-key", "", "public key of the witness")
	only := flag.Bool("log-only", false, "leave the chains alone")
	when := flag.String("now", "", "as of when (RFC 3339), in place of now")
	pack := flag.String("pack", "", "folder of an unpacked pack, in place of a store")
	kept := flag.String("head", "", "a fingerprint that you kept, SIZE:ROOT (the root in hex): the log must continue it")
	flag.Parse()
	asOf, given = time.Now(), *when != ""
	if given {
		var err error
		if asOf, err = time.Parse(time.RFC3339, *when); err != nil {
			die("-now: %v", err)
		}
	}
	var period *scope
	if *pack != "" {
		period, *store = scopeOf(*pack), filepath.Join(*pack, "ledger")
	}
	ledger := open(*store)
	keys := tenures(ledger, *key)
	shown, ok := head(ledger, "log/checkpoint", keys)
	var hashes tree
	var log []commitment
	here := 0
	if ok {
		if period == nil { // a pack has no lock
			shown = current(ledger, keys, shown)
		}
		log = entries(ledger, shown.N, &hashes)
		if root, err := tlog.TreeHash(int64(len(log)), &hashes); len(log) > 0 && (err != nil || root != shown.Hash) {
			finds("log/checkpoint", "altered: its root is not what the log's entries hash to")
		}
		if int64(len(log)) == shown.N {
			tiles(ledger, shown.N, &hashes)
		}
		continues(*kept, log, &hashes)
		if *own != "" {
			witness(open(*own), newCosigner(*ownKey), keys, shown, log, &hashes)
		} else if *ownKey != "" {
			data, _ := ledger.get("log/checkpoint")
			if _, _, is := cosigned(data, newCosigner(*ownKey)); !is {
				finds("log/checkpoint", "unwitnessed: the witness has not cosigned it")
			}
		}
		if !*only {
			here = chains(ledger, log, period)
		}
	}
	if held, is := ledger.(*bucket); is && !*only {
		overLog(held, keys, log)
	}
	if held, is := open(*own).(*bucket); is && !*only {
		overWitness(held, newCosigner(*ownKey), keys)
	}
	for _, one := range told(wrong) {
		fmt.Fprintf(out, "%s: %s\n", one.where, one.what)
	}
	if len(wrong) == 0 {
		fmt.Fprintf(out, "ok: %d entries under the head %v%s", shown.N, shown.Hash, period.covers(here, len(log)))
		if waiting > 0 {
			fmt.Fprintf(out, "; %d of the last minute wait for the next", waiting)
		}
		fmt.Fprintln(out)
	}
	out.Flush()
	if len(wrong) > 0 {
		os.Exit(1)
	}
}
