module soundstrip.dev/hack/bench/scale/stub

go 1.26
