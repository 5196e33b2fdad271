// What a bucket holds beside what it shows. Whoever may write to it can put a second version over an object, or a delete
// marker; Object Lock keeps the first, and this finds it. An auditor needs credentials that may read (s3:ListBucketVersions,
// s3:GetObject, s3:GetObjectVersion) in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, where there is one, AWS_SESSION_TOKEN; the
// region in AWS_REGION; and the address of any other server than AWS in AWS_ENDPOINT_URL_S3. Nobody's word is taken for the
// listing: the server itself is asked.
package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"net/http"
	"net/url"
	"os"
	"sort"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// bucket is a place in S3, or in what speaks as it does.
type bucket struct {
	address, name, prefix, region string
	listed                        map[string]*versions
}

// version is one version of an object, or a delete marker.
type version struct {
	Key          string
	VersionId    string
	IsLatest     bool
	LastModified time.Time
}

// versions are those of one key, the newest first. hidden: a delete marker lies over them, since then.
type versions struct {
	all    []version
	hidden bool
	since  time.Time
}

func newBucket(address string) *bucket {
	name, prefix, _ := strings.Cut(strings.TrimPrefix(address, "s3://"), "/")
	if prefix != "" {
		prefix = strings.TrimSuffix(prefix, "/") + "/"
	}
	region, endpoint := os.Getenv("AWS_REGION"), os.Getenv("AWS_ENDPOINT_URL_S3")
	if region == "" {
		region = "us-east-1"
	}
	if endpoint == "" {
		endpoint = "https://s3." + region + ".amazonaws.com"
	}
	return &bucket{address: endpoint, name: name, prefix: prefix, region: region}
}

func (b *bucket) get(key string) ([]byte, error) { return b.ask(b.prefix+key, url.Values{}) }

func (b *bucket) version(key string, one version) ([]byte, error) {
	return b.ask(b.prefix+key, url.Values{"versionId": {one.VersionId}})
}

// ask sends one GET, signed as AWS Signature Version 4 says.
func (b *bucket) ask(key string, query url.Values) ([]byte, error) {
	path := "/" + b.name + "/" + strings.ReplaceAll(encoded(key), "%2F", "/")
	asked := strings.ReplaceAll(query.Encode(), "+", "%20")
	request, err := http.NewRequest("GET", b.address+path+"?"+asked, nil)
	if err != nil {
		return nil, err
	}
	now, empty := time.Now().UTC().Format("20060102T150405Z"), hashed("")
	headers, names := "host:"+request.URL.Host+"\nx-amz-content-sha256:"+empty+"\nx-amz-date:"+now+"\n", "host;x-amz-content-sha256;x-amz-date"
	request.Header.Set("x-amz-content-sha256", empty)
	request.Header.Set("x-amz-date", now)
	if token := os.Getenv("AWS_SESSION_TOKEN"); token != "" {
		headers, names = headers+"x-amz-security-token:"+token+"\n", names+";x-amz-security-token"
		request.Header.Set("x-amz-security-token", token)
	}
	scope := now[:8] + "/" + b.region + "/s3/aws4_request"
	text := strings.Join([]string{"GET", path, asked, headers, names, empty}, "\n")
	key4 := []byte("AWS4" + os.Getenv("AWS_SECRET_ACCESS_KEY"))
	for _, part := range strings.Split(scope, "/") {
		key4 = mac(key4, part)
	}
	signature := hex.EncodeToString(mac(key4, "AWS4-HMAC-SHA256\n"+now+"\n"+scope+"\n"+hashed(text)))
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+os.Getenv("AWS_ACCESS_KEY_ID")+"/"+scope+
		", SignedHeaders="+names+", Signature="+signature)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	return read(answer)
}

func encoded(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	by := hmac.New(sha256.New, key)
	by.Write([]byte(text))
	return by.Sum(nil)
}

// list lists every version of every key, once.
func (b *bucket) list() map[string]*versions {
	if b.listed != nil {
		return b.listed
	}
	b.listed = map[string]*versions{}
	query := url.Values{"versions": {""}, "prefix": {b.prefix}, "encoding-type": {"url"}}
	for {
		data, err := b.ask("", query)
		var page struct {
			EncodingType                       string
			Version, DeleteMarker              []version
			IsTruncated                        bool
			NextKeyMarker, NextVersionIdMarker string
		}
		if err == nil {
			err = xml.Unmarshal(data, &page)
		}
		if err != nil {
			die("the versions of %s cannot be listed: %v", b.name, err)
		}
		plain := func(key string) string {
			if told, err := url.QueryUnescape(key); err == nil && page.EncodingType == "url" {
				return told
			}
			return key
		}
		for _, one := range page.Version {
			held := b.of(plain(one.Key))
			held.all = append(held.all, one)
		}
		for _, one := range page.DeleteMarker {
			held := b.of(plain(one.Key))
			if one.IsLatest {
				held.hidden, held.since = true, one.LastModified
			}
		}
		if !page.IsTruncated {
			return b.listed
		}
		query.Set("key-marker", plain(page.NextKeyMarker))
		query.Set("version-id-marker", page.NextVersionIdMarker)
	}
}

func (b *bucket) of(key string) *versions {
	key = strings.TrimPrefix(key, b.prefix)
	if b.listed[key] == nil {
		b.listed[key] = &versions{}
	}
	return b.listed[key]
}

// sized reads how many entries a signed head covers.
type sized func(data []byte) (int64, bool)

const skew = 5 * time.Minute

// overLog names what lies over entries, documents, tiles and heads.
func overLog(b *bucket, keys []tenure, log []commitment) {
	committed, forged := make(map[string]string, len(log)), rewritten()
	for _, one := range log {
		if !forged { // else it says of what was put in an original's place that this is what was written
			committed[one.key()] = one.Digest
		}
	}
	var made time.Time
	if len(log) > 0 {
		made, _ = time.Parse(time.RFC3339, log[len(log)-1].At)
	}
	size := func(data []byte) (int64, bool) {
		shown, ok := opened(data, keys)
		return shown.N, ok
	}
	b.over("", func(key string) string {
		if strings.HasPrefix(key, "objects/") {
			return strings.TrimPrefix(key, "objects/")
		}
		return committed[key]
	}, map[string]sized{"log/checkpoint": size, "log/lock": size}, made)
}

// overWitness names what lies over the hashes and the heads that the witness keeps, which the log signed as well.
func overWitness(b *bucket, key cosigner, keys []tenure) {
	data, _ := b.get("checkpoint")
	_, at, _ := cosigned(data, key)
	size := func(data []byte) (int64, bool) {
		var seen tlog.Tree
		seen, _, ok := cosigned(data, key)
		_, signed := opened(data, keys)
		return seen.N, ok && signed
	}
	b.over("witness/", func(string) string { return "" }, map[string]sized{"checkpoint": size}, at)
}

// over names every key whose first version is not the one that is shown, and every head that is older than one under it.
func (b *bucket) over(name string, digest func(key string) string, heads map[string]sized, made time.Time) {
	for _, key := range b.keys() {
		held, where := b.listed[key], name+key
		size, rolls := heads[key]
		switch {
		case strings.HasPrefix(key, "drop/") || (len(held.all) < 2 && !held.hidden):
		case len(held.all) == 0:
			finds(where, "shadowed: there is a delete marker, and nothing under it")
		case rolls && held.hidden:
			finds(where, "shadowed: it is hidden by a delete marker since %s; the head is still there", told3339(held.since))
		case rolls:
			b.rolledBack(key, where, held, size, made)
		default:
			b.second(key, where, held, digest(key))
		}
	}
}

func (b *bucket) second(key, where string, held *versions, digest string) {
	first, err := b.version(key, held.all[len(held.all)-1])
	if err != nil {
		finds(where, "shadowed: its first version cannot be read: %v", err)
		return
	}
	done, at := "it is hidden by a delete marker", held.since
	if !held.hidden {
		last, err := b.version(key, held.all[0])
		if err == nil && bytes.Equal(first, last) {
			return // the same bytes again: readers are shown what was written
		}
		done, at = "a second version was put over it", held.all[0].LastModified
	}
	proves := ""
	if hashed(string(first)) == digest {
		proves = ", and proves what was written"
	} else if digest != "" {
		proves = ", and is not what was written either"
	}
	finds(where, "shadowed: %s at %s; the first version is still there%s", done, told3339(at), proves)
}

// rolledBack looks for a later head among those that were written since the one that is shown was made.
func (b *bucket) rolledBack(key, where string, held *versions, size sized, made time.Time) {
	data, _ := b.version(key, held.all[0])
	shown, signed := size(data)
	for _, older := range held.all[1:] {
		if signed && older.LastModified.Before(made.Add(-skew)) {
			return
		}
		data, _ := b.version(key, older)
		there, ok := size(data)
		if ok && !signed {
			finds(where, "shadowed: what was put over it at %s is no signed head; that of %d entries is still there",
				told3339(held.all[0].LastModified), there)
			return
		}
		if ok && there > shown {
			finds(where, "replayed: an old head, of %d entries, was put over it at %s; that of %d is still there",
				shown, told3339(held.all[0].LastModified), there)
			return
		}
	}
}

func (b *bucket) keys() []string {
	found := make([]string, 0, len(b.list()))
	for key := range b.listed {
		found = append(found, key)
	}
	sort.Strings(found)
	return found
}

func rewritten() bool {
	for _, one := range wrong {
		if strings.HasPrefix(one.what, "rewritten: ") {
			return true
		}
	}
	return false
}

func told3339(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// told leaves out what a reader sees of a place of which the versions tell what was done to it.
func told(found []finding) []finding {
	over := map[string]bool{}
	byVersions := func(one finding) bool {
		return strings.HasPrefix(one.what, "shadowed: ") || strings.HasPrefix(one.what, "replayed: an old head")
	}
	for _, one := range found {
		over[one.where] = over[one.where] || byVersions(one)
	}
	var left []finding
	for _, one := range found {
		if byVersions(one) || !over[one.where] {
			left = append(left, one)
		}
	}
	return left
}
