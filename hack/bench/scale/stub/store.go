package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"sync"
	"time"
)

type body = map[string]any

// history is how many events a watch can be behind before it has to list again.
const history = 50_000

// refusal is an error as the API server puts it.
type refusal struct {
	code   int
	reason string
}

func (r refusal) Error() string { return r.reason }

var (
	notFound = refusal{http.StatusNotFound, "NotFound"}
	conflict = refusal{http.StatusConflict, "Conflict"}
	exists   = refusal{http.StatusConflict, "AlreadyExists"}
	expired  = refusal{http.StatusGone, "Expired"}
)

type object struct {
	doc  body
	text []byte
}

type change struct {
	version int64
	line    []byte
}

// shelf holds the objects of one kind in one namespace, and the events of its watches.
type shelf struct {
	objects map[string]*object
	changes []change
	news    chan struct{} // closed, and replaced, at each change
}

type store struct {
	mutex     sync.Mutex
	version   int64
	shelves   map[string]*shelf
	seen      func(shelf string, old, now body)
	posted    func(status int)
	jobMade   func(shelf string, job body)
	jobLeaves func(shelf string, job body)
}

func newStore() *store { return &store{shelves: map[string]*shelf{}} }

func (s *store) shelf(path string) *shelf {
	if s.shelves[path] == nil {
		s.shelves[path] = &shelf{objects: map[string]*object{}, news: make(chan struct{})}
	}
	return s.shelves[path]
}

func (s *store) create(path string, doc body) ([]byte, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	metadata := doc["metadata"].(body)
	name := metadata["name"].(string)
	if s.shelf(path).objects[name] != nil {
		return nil, exists
	}
	metadata["uid"] = newUID()
	metadata["generation"] = 1
	metadata["creationTimestamp"] = now()
	metadata["managedFields"] = managed(doc)
	text := s.commit(path, "ADDED", doc)
	if isJob(path) {
		s.jobMade(path, doc)
	}
	return text, nil
}

// change applies an edit to a copy of an object, if its version is still the one given (or none is).
func (s *store) change(path, name, version string, edit func(doc body)) ([]byte, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	old := s.shelf(path).objects[name]
	if old == nil {
		return nil, notFound
	}
	if version != "" && version != meta(old.doc)["resourceVersion"] {
		return nil, conflict
	}
	doc := parse(old.text)
	edit(doc)
	if leaving(doc) {
		delete(s.shelf(path).objects, name)
		return s.commit(path, "DELETED", doc), nil
	}
	return s.commit(path, "MODIFIED", doc), nil
}

func (s *store) remove(path, name, uid string, foreground bool) ([]byte, error) {
	s.mutex.Lock()
	old := s.shelf(path).objects[name]
	s.mutex.Unlock()
	if old == nil {
		return nil, notFound
	}
	if uid != "" && uid != meta(old.doc)["uid"] {
		return nil, conflict
	}
	text, err := s.change(path, name, "", func(doc body) {
		if meta(doc)["deletionTimestamp"] == nil {
			meta(doc)["deletionTimestamp"] = now()
			meta(doc)["deletionGracePeriodSeconds"] = 0
		}
		if foreground {
			meta(doc)["finalizers"] = []any{"foregroundDeletion"}
		}
	})
	if err == nil && foreground {
		s.jobLeaves(path, old.doc)
	}
	return text, err
}

func (s *store) get(path, name string) ([]byte, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if found := s.shelf(path).objects[name]; found != nil {
		return found.text, nil
	}
	return nil, notFound
}

// list returns a page of objects, the version that it is of, and the name after which the next page begins.
func (s *store) list(path, after string, limit int) (texts [][]byte, version int64, next string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	objects := s.shelf(path).objects
	names := make([]string, 0, len(objects))
	for name := range objects {
		if name > after {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	if limit > 0 && len(names) > limit {
		names = names[:limit]
		next = names[limit-1]
	}
	for _, name := range names {
		texts = append(texts, objects[name].text)
	}
	return texts, s.version, next
}

// since returns the events after a version, and what is closed when there are more.
func (s *store) since(path string, version int64) (lines [][]byte, last int64, news chan struct{}, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	shelf := s.shelf(path)
	first := sort.Search(len(shelf.changes), func(i int) bool { return shelf.changes[i].version > version })
	if first == 0 && len(shelf.changes) >= history {
		return nil, 0, nil, expired
	}
	for _, change := range shelf.changes[first:] {
		lines = append(lines, change.line)
		version = change.version
	}
	return lines, version, shelf.news, nil
}

func (s *store) commit(path, event string, doc body) []byte {
	s.version++
	meta(doc)["resourceVersion"] = strconv.FormatInt(s.version, 10)
	text, err := json.Marshal(doc)
	check(err)
	shelf := s.shelf(path)
	var old body
	name := meta(doc)["name"].(string)
	if former := shelf.objects[name]; former != nil {
		old = former.doc
	}
	if event != "DELETED" {
		shelf.objects[name] = &object{doc, text}
	}
	s.seen(path, old, doc)
	line := fmt.Appendf(make([]byte, 0, len(text)+40), `{"type":%q,"object":`, event)
	line = append(append(line, text...), "}\n"...)
	shelf.changes = append(shelf.changes, change{s.version, line})
	if len(shelf.changes) > 2*history {
		shelf.changes = append([]change(nil), shelf.changes[history:]...)
	}
	close(shelf.news)
	shelf.news = make(chan struct{})
	return text
}

func leaving(doc body) bool {
	finalizers, _ := meta(doc)["finalizers"].([]any)
	return meta(doc)["deletionTimestamp"] != nil && len(finalizers) == 0
}

// managed is about what the API server adds to an object: who owns which field, each field once.
func managed(doc body) []any {
	entry := body{"manager": "operator", "operation": "Update", "apiVersion": doc["apiVersion"], "time": now(), "fieldsType": "FieldsV1"}
	entry["fieldsV1"] = mirror(body{"metadata": body{"labels": meta(doc)["labels"]}, "spec": doc["spec"], "status": doc["status"]})
	return []any{entry}
}

func mirror(value any) body {
	fields := body{}
	switch value := value.(type) {
	case body:
		for key, inner := range value {
			fields["f:"+key] = mirror(inner)
		}
	case []any:
		for i, inner := range value {
			fields[fmt.Sprintf("k:{\"name\":\"%d\"}", i)] = mirror(inner)
		}
	}
	return fields
}

func meta(doc body) body { return doc["metadata"].(body) }

func parse(text []byte) body {
	var doc body
	check(json.Unmarshal(text, &doc))
	return doc
}

func now() string { return time.Now().UTC().Format(time.RFC3339) }

func newUID() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:])
	text := hex.EncodeToString(raw[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
