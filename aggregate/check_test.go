package aggregate

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestACheckIsWrittenWithItsRatiosAndWithoutNullLists(t *testing.T) {
	b, err := json.Marshal(Check{WindowS: 300, Requests: 400, Failures: 100, Backends: []CheckBackend{{Backend: "app1", Failures: 5, Requests: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"failure_ratio":0.25`, `"causes":[]`, `"last_line":null`, `{"backend":"app1","failures":5,"requests":2,"failure_ratio":1}`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s is not in %s", want, b)
		}
	}
	b, _ = json.Marshal(&Check{})
	if !strings.Contains(string(b), `"backends":[]`) || !strings.Contains(string(b), `"failure_ratio":0,`) {
		t.Errorf("the empty check: %s", b)
	}
}
