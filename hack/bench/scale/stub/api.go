package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const conversions = "/apis/soundstrip.dev/v1alpha1/namespaces/bench/videoconversions"

func isJob(path string) bool { return strings.HasSuffix(path, "/jobs") }

func routes(s *store, p *player, f *figures) http.Handler {
	mux := http.NewServeMux()
	for path, text := range discovery {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, []byte(text)) })
	}
	for _, base := range []string{"/api/v1/namespaces/{ns}/{kind}", "/apis/{group}/{version}/namespaces/{ns}/{kind}"} {
		mux.HandleFunc("GET "+base, s.serveList)
		mux.HandleFunc("POST "+base, s.serveCreate)
		for _, method := range []string{"GET", "PUT", "PATCH", "DELETE"} {
			mux.HandleFunc(method+" "+base+"/{name}", s.serveObject)
		}
		mux.HandleFunc("PUT "+base+"/{name}/status", s.serveObject)
	}
	mux.HandleFunc("GET /api/v1/namespaces/{ns}", func(w http.ResponseWriter, r *http.Request) {
		reply(w, http.StatusOK, fmt.Appendf(nil, `{"kind":"Namespace","metadata":{"name":%q}}`, r.PathValue("ns")))
	})
	mux.HandleFunc("POST /bench/play", p.configure)
	mux.HandleFunc("POST /bench/load", p.load)
	mux.HandleFunc("GET /bench/figures", f.serve)
	mux.HandleFunc("DELETE /bench/figures", f.reset)
	return mux
}

func (s *store) serveList(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if query.Get("watch") == "true" {
		s.serveWatch(w, r)
		return
	}
	limit, _ := strconv.Atoi(query.Get("limit"))
	texts, version, next := s.list(r.URL.Path, query.Get("continue"), limit)
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"%d","continue":%q},"items":[`, version, next)
	for i, text := range texts {
		if i > 0 {
			_, _ = io.WriteString(w, ",")
		}
		_, _ = w.Write(text)
	}
	_, _ = io.WriteString(w, "]}")
}

func (s *store) serveWatch(w http.ResponseWriter, r *http.Request) {
	version, _ := strconv.ParseInt(r.URL.Query().Get("resourceVersion"), 10, 64)
	w.Header().Set("Content-Type", "application/json")
	flush := http.NewResponseController(w).Flush
	_ = flush()
	for {
		lines, last, news, err := s.since(r.URL.Path, version)
		if err != nil {
			fmt.Fprintf(w, `{"type":"ERROR","object":{"code":410,"reason":"Expired","metadata":{}}}`+"\n")
			return
		}
		for _, line := range lines {
			_, _ = w.Write(line)
		}
		_ = flush()
		version = last
		select {
		case <-news:
		case <-r.Context().Done():
			return
		}
	}
}

func (s *store) serveCreate(w http.ResponseWriter, r *http.Request) {
	doc, err := read(r)
	if err != nil {
		fail(w, err)
		return
	}
	path := r.URL.Path
	if strings.HasSuffix(path, "/events") { // They are counted, and nobody reads them.
		reply(w, http.StatusCreated, []byte(`{"kind":"Event","metadata":{}}`))
		return
	}
	text, err := s.create(path, doc)
	answer(w, http.StatusCreated, text, err)
}

func (s *store) serveObject(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	path, _, _ := strings.Cut(r.URL.Path, "/"+name)
	if r.Method == http.MethodGet {
		text, err := s.get(path, name)
		answer(w, http.StatusOK, text, err)
		return
	}
	doc, err := read(r)
	if err != nil {
		fail(w, err)
		return
	}
	text, err := s.write(r, path, name, doc)
	answer(w, http.StatusOK, text, err)
}

func (s *store) write(r *http.Request, path, name string, doc body) ([]byte, error) {
	metadata, _ := doc["metadata"].(body)
	version, _ := metadata["resourceVersion"].(string)
	switch {
	case r.Method == http.MethodDelete:
		preconditions, _ := doc["preconditions"].(body)
		uid, _ := preconditions["uid"].(string)
		return s.remove(path, name, uid, isJob(path))
	case r.Method == http.MethodPatch:
		return s.change(path, name, version, func(old body) { merge(old, doc) })
	case strings.HasSuffix(r.URL.Path, "/status"):
		return s.change(path, name, version, func(old body) {
			old["status"] = doc["status"]
			old["metadata"].(body)["managedFields"] = managed(old)
		})
	default:
		return s.change(path, name, version, func(old body) { old["spec"] = doc["spec"] })
	}
}

func merge(into, patch body) {
	for key, value := range patch {
		inner, ok := value.(body)
		old, both := into[key].(body)
		switch {
		case value == nil:
			delete(into, key)
		case ok && both:
			merge(old, inner)
		default:
			into[key] = value
		}
	}
}

func read(r *http.Request) (body, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil || len(text) == 0 {
		return body{}, err
	}
	var doc body
	if json.Unmarshal(text, &doc) != nil {
		return nil, refusal{http.StatusBadRequest, "BadRequest"}
	}
	return doc, nil
}

func answer(w http.ResponseWriter, code int, text []byte, err error) {
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, code, text)
}

func fail(w http.ResponseWriter, err error) {
	refused := refusal{http.StatusInternalServerError, err.Error()}
	errors.As(err, &refused)
	reply(w, refused.code, fmt.Appendf(nil, `{"kind":"Status","status":"Failure","code":%d,"reason":%q,"message":%q}`, refused.code, refused.reason, refused.reason))
}

func reply(w http.ResponseWriter, code int, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(text)
}

var discovery = map[string]string{
	"/version":                     `{"major":"1","minor":"34","gitVersion":"v1.34.4"}`,
	"/api":                         `{"kind":"APIVersions","versions":["v1"]}`,
	"/api/v1":                      resources("v1", "pods/Pod", "events/Event", "namespaces/Namespace"),
	"/apis":                        `{"kind":"APIGroupList","groups":[` + group("batch", "v1") + "," + group("coordination.k8s.io", "v1") + "," + group("soundstrip.dev", "v1alpha1") + `]}`,
	"/apis/batch/v1":               resources("batch/v1", "jobs/Job"),
	"/apis/coordination.k8s.io/v1": resources("coordination.k8s.io/v1", "leases/Lease"),
	"/apis/soundstrip.dev/v1alpha1": resources("soundstrip.dev/v1alpha1", "videoconversions/VideoConversion",
		"conversionprofiles/ConversionProfile", "conversionbatches/ConversionBatch"),
}

func group(name, version string) string {
	one := fmt.Sprintf(`{"groupVersion":"%s/%s","version":%q}`, name, version, version)
	return fmt.Sprintf(`{"name":%q,"versions":[%s],"preferredVersion":%s}`, name, one, one)
}

func resources(version string, kinds ...string) string {
	items := make([]string, 0, len(kinds))
	for _, one := range kinds {
		plural, kind, _ := strings.Cut(one, "/")
		items = append(items, fmt.Sprintf(`{"name":%q,"singularName":%q,"namespaced":true,"kind":%q,"verbs":["create","delete","get","list","patch","update","watch"]}`, plural, strings.ToLower(kind), kind))
	}
	return fmt.Sprintf(`{"kind":"APIResourceList","groupVersion":%q,"resources":[%s]}`, version, strings.Join(items, ","))
}
