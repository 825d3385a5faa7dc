package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// script says how the Jobs of a run go.
type script struct {
	// Start is how long after a step of a controller the next one follows: pod made, scheduled, created, running.
	Start int `json:"startMilliseconds"`
	// Work is how long the containers run.
	Work int `json:"workMilliseconds"`
	// Progress is how long after a post of the mover's progress the next one follows; 0 is no posts.
	Progress int `json:"progressMilliseconds"`
	// Report is the mover's termination message.
	Report string `json:"report"`
}

// player is the Job controller, the scheduler and the kubelet, each event of theirs that the operator sees included.
type player struct {
	store  *store
	script atomic.Pointer[script]
}

func (p *player) configure(w http.ResponseWriter, r *http.Request) {
	var script script
	if err := json.NewDecoder(r.Body).Decode(&script); err != nil {
		fail(w, err)
		return
	}
	p.script.Store(&script)
}

// play has a Job's pod made, run and ended; it returns at once, for its caller holds the store.
func (p *player) play(path string, job body) {
	script := p.script.Load()
	if script == nil {
		return
	}
	go p.run(path, job, *script)
}

func (p *player) run(path string, job body, script script) {
	step := func() { time.Sleep(time.Duration(script.Start) * time.Millisecond) }
	name := meta(job)["name"].(string)
	pods := podsOf(path)
	pod := podOf(job)
	podName := meta(pod)["name"].(string)
	setJob := func(status body) {
		_, _ = p.store.change(path, name, "", func(doc body) { doc["status"] = status })
	}
	setPod := func(status body) {
		_, _ = p.store.change(pods, podName, "", func(doc body) {
			doc["status"] = status
			doc["spec"].(body)["nodeName"] = "node-1"
		})
	}
	started := now()
	step()
	setJob(body{"startTime": started, "active": 1, "ready": 0, "terminating": 0, "uncountedTerminatedPods": body{}})
	if _, err := p.store.create(pods, pod); err != nil {
		return
	}
	step()
	setPod(podStatus("Pending", nil))
	step()
	setPod(podStatus("Pending", body{"waiting": body{"reason": "ContainerCreating"}}))
	step()
	setPod(podStatus("Running", body{"running": body{"startedAt": now()}}))
	setJob(body{"startTime": started, "active": 1, "ready": 1, "terminating": 0, "uncountedTerminatedPods": body{}})
	p.work(job, script)
	ended := body{"exitCode": 0, "reason": "Completed", "startedAt": started, "finishedAt": now(), "containerID": "containerd://0"}
	status := podStatus("Succeeded", body{"terminated": ended})
	mover := status["containerStatuses"].([]any)[0].(body)
	mover["state"] = body{"terminated": with(ended, "message", script.Report)}
	setPod(status)
	step()
	met := body{"type": "SuccessCriteriaMet", "status": "True", "reason": "CompletionsReached", "message": "Reached expected number of succeeded pods", "lastProbeTime": now(), "lastTransitionTime": now()}
	setJob(body{"startTime": started, "succeeded": 1, "ready": 0, "terminating": 0, "uncountedTerminatedPods": body{}, "conditions": []any{met}})
	done := with(met, "type", "Complete")
	setJob(body{"startTime": started, "completionTime": now(), "succeeded": 1, "ready": 0, "terminating": 0, "uncountedTerminatedPods": body{}, "conditions": []any{met, done}})
}

// work lets the time of the containers pass, with the mover's posts.
func (p *player) work(job body, script script) {
	work := time.Duration(script.Work) * time.Millisecond
	if script.Progress == 0 {
		time.Sleep(work)
		return
	}
	containers := job["spec"].(body)["template"].(body)["spec"].(body)["containers"].([]any)
	address := map[string]string{}
	for _, one := range containers[0].(body)["env"].([]any) {
		name, _ := one.(body)["name"].(string)
		address[name], _ = one.(body)["value"].(string)
	}
	for begin := time.Now(); time.Since(begin) < work; time.Sleep(time.Duration(script.Progress) * time.Millisecond) {
		percent := 99 * time.Since(begin) / work
		text := fmt.Sprintf(`{"reason":"Converting","progress":{"percent":%d,"speed":9.5}}`, percent)
		request, _ := http.NewRequest(http.MethodPost, address["PROGRESS_URL"], strings.NewReader(text))
		request.Header.Set("Authorization", "Bearer "+address["PROGRESS_TOKEN"])
		if answer, err := http.DefaultClient.Do(request); err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
			p.store.posted(answer.StatusCode)
		}
	}
}

// clear deletes the pod of a Job that is being deleted in the foreground, and then lets the Job go.
func (p *player) clear(path string, job body) {
	go func() {
		pods, pod := podsOf(path), podOf(job)
		_, _ = p.store.change(pods, meta(pod)["name"].(string), "", func(doc body) {
			meta(doc)["deletionTimestamp"] = now()
			meta(doc)["finalizers"] = []any{"kubelet"}
		})
		_, _ = p.store.change(pods, meta(pod)["name"].(string), "", func(doc body) { delete(meta(doc), "finalizers") })
		_, _ = p.store.change(path, meta(job)["name"].(string), "", func(doc body) { delete(meta(doc), "finalizers") })
	}()
}

func podsOf(jobs string) string {
	return strings.Replace(strings.TrimSuffix(jobs, "/jobs"), "/apis/batch/v1", "/api/v1", 1) + "/pods"
}

func podOf(job body) body {
	template := job["spec"].(body)["template"].(body)
	name, uid := meta(job)["name"].(string), meta(job)["uid"].(string)
	labels := body{"batch.kubernetes.io/job-name": name, "job-name": name, "batch.kubernetes.io/controller-uid": uid, "controller-uid": uid}
	for key, value := range template["metadata"].(body)["labels"].(body) {
		labels[key] = value
	}
	owner := body{"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": uid, "controller": true, "blockOwnerDeletion": true}
	return body{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": body{"name": name + "-pod00", "namespace": meta(job)["namespace"], "labels": labels, "ownerReferences": []any{owner}},
		"spec":     with(template["spec"].(body), "schedulerName", "default-scheduler"),
		"status":   body{"phase": "Pending", "qosClass": "Burstable"},
	}
}

func podStatus(phase string, state body) body {
	status := body{"phase": phase, "qosClass": "Burstable", "hostIP": "10.0.0.1", "startTime": now()}
	conditions := []any{}
	for _, kind := range []string{"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"} {
		conditions = append(conditions, body{"type": kind, "status": "True", "lastProbeTime": nil, "lastTransitionTime": now(), "observedGeneration": 1})
	}
	status["conditions"] = conditions
	if state == nil {
		return status
	}
	containers := []any{}
	for _, name := range []string{"mover", "converter"} {
		containers = append(containers, body{"name": name, "image": "soundstrip/worker:bench", "imageID": "sha256:0", "ready": phase == "Running", "started": phase == "Running", "restartCount": 0, "lastState": body{}, "state": state})
	}
	status["containerStatuses"] = containers
	return status
}

func with(doc body, key string, value any) body {
	copied := body{}
	for key, value := range doc {
		copied[key] = value
	}
	copied[key] = value
	return copied
}

// order is what to load: so many conversions like the template, each with a file id of its own.
type order struct {
	First    int             `json:"first"`
	Count    int             `json:"count"`
	Rate     float64         `json:"perSecond"` // 0 is all at once
	Template json.RawMessage `json:"template"`
}

func (p *player) load(w http.ResponseWriter, r *http.Request) {
	var order order
	if err := json.NewDecoder(r.Body).Decode(&order); err != nil {
		fail(w, err)
		return
	}
	go order.run(p.store)
}

func (o order) run(s *store) {
	begin := time.Now()
	for i := range o.Count {
		if o.Rate > 0 {
			time.Sleep(time.Until(begin.Add(time.Duration(float64(i) / o.Rate * float64(time.Second)))))
		}
		doc := parse(o.Template)
		id := fmt.Sprintf("%024x", o.First+i)
		meta(doc)["name"] = "vc-" + id
		doc["spec"].(body)["source"].(body)["fileId"] = id
		if _, err := s.create(conversions, doc); err != nil {
			return
		}
	}
}
