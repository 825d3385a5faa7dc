package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// life is what became of a conversion, in milliseconds since the figures were reset; 0 is not yet.
type life struct {
	Created  float64 `json:"created"`
	Job      float64 `json:"job"`
	Latched  float64 `json:"latched"`
	Notified float64 `json:"notified"`
	Tidy     float64 `json:"tidy"`
}

type figures struct {
	mutex    sync.Mutex
	since    time.Time
	Requests map[string]int   `json:"requests"`
	Lives    map[string]*life `json:"lives"`
}

func newFigures() *figures {
	return &figures{since: time.Now(), Requests: map[string]int{}, Lives: map[string]*life{}}
}

// count counts the requests by method and kind; those of the bench itself are left out.
func (f *figures) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/bench/") {
			f.mutex.Lock()
			f.Requests[nameOf(r)]++
			f.mutex.Unlock()
		}
		next.ServeHTTP(w, r)
	})
}

// post counts the answers to posts of progress.
func (f *figures) post(status int) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.Requests[fmt.Sprintf("progress %d", status)]++
}

func nameOf(r *http.Request) string {
	method := r.Method
	if r.URL.Query().Get("watch") == "true" {
		method = "WATCH"
	}
	_, rest, _ := strings.Cut(r.URL.Path, "/namespaces/")
	parts := strings.Split(rest, "/")
	if len(parts) < 2 {
		return method + " " + r.URL.Path
	}
	if len(parts) == 4 {
		return method + " " + parts[1] + "/" + parts[3]
	}
	return method + " " + parts[1]
}

// see takes a change of an object; its caller holds the store.
func (f *figures) see(path string, old, now body) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	at := float64(time.Since(f.since).Microseconds()) / 1000
	switch {
	case path == conversions && old == nil:
		f.Lives[meta(now)["name"].(string)] = &life{Created: at}
	case path == conversions:
		life := f.life(meta(now)["name"])
		mark(&life.Latched, at, is(now, "Finished", "True"))
		mark(&life.Notified, at, is(now, "Notified", "True"))
	case isJob(path):
		labels, _ := meta(now)["labels"].(body)
		life := f.life(labels["soundstrip.dev/conversion"])
		mark(&life.Job, at, true)
		mark(&life.Tidy, at, leaving(now))
	}
}

func (f *figures) life(name any) *life {
	text, _ := name.(string)
	if f.Lives[text] == nil {
		f.Lives[text] = &life{}
	}
	return f.Lives[text]
}

func mark(moment *float64, at float64, so bool) {
	if so && *moment == 0 {
		*moment = at
	}
}

func is(doc body, kind, value string) bool {
	status, _ := doc["status"].(body)
	conditions, _ := status["conditions"].([]any)
	for _, one := range conditions {
		if condition := one.(body); condition["type"] == kind {
			return condition["status"] == value
		}
	}
	return false
}

func (f *figures) serve(w http.ResponseWriter, r *http.Request) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(f)
}

func (f *figures) reset(w http.ResponseWriter, r *http.Request) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.since, f.Requests, f.Lives = time.Now(), map[string]int{}, map[string]*life{}
}
