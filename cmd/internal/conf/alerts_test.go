package conf

import (
	"reflect"
	"strings"
	"testing"

	"why503/dashboards/alert"
)

func TestTheDefaultsOfAlertsAreThoseOfThePackage(t *testing.T) {
	d := Default()
	got, want := d.AlertConfig(), alert.Defaults()
	got.Zone = nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// Everything of the example reaches the package: no field of a channel is
// empty then.
func TestNothingOfAChannelIsLost(t *testing.T) {
	c, err := Load(Input{File: "example", Data: []byte(uncommented(Example())), ReadFile: secretFiles})
	if err != nil {
		t.Fatal(err)
	}
	a := c.AlertConfig()
	if err := a.Validate(); err != nil {
		t.Errorf("what conf takes, alert does not: %v", err)
	}
	v := reflect.ValueOf(a)
	for _, list := range []string{"Webhook", "Slack", "Alertmanager", "Email", "Exec"} {
		l := v.FieldByName(list)
		if l.Len() != 1 {
			t.Fatalf("%s: %d", list, l.Len())
		}
		for i := range l.Index(0).NumField() {
			if f := l.Index(0).Type().Field(i); l.Index(0).Field(i).IsZero() && !strings.HasSuffix(f.Name, "Token") {
				t.Errorf("%s.%s is empty", list, f.Name)
			}
		}
	}
}
