package app

import "testing"

func TestAPathOfTheConfigurationCoversWhatIsFoundByIt(t *testing.T) {
	for _, x := range []struct {
		pattern, path string
		want          bool
	}{
		{"/var/log/nginx/a.log", "/var/log/nginx/a.log", true},
		{"/var/log/nginx", "/var/log/nginx/a.log", true},
		{"/var/log/nginx/", "/var/log/nginx/shop/a.log", true},
		{"./logs", "logs/a.log", true},
		{"/var/log/*", "/var/log/nginx/a.log", true},
		{"/var/log/*.log", "/var/log/a.log", true},
		{"*.log", "/var/log/a.log", true},
		{"/srv/**/*.log", "/srv/a/b/c.log", true},
		{"/srv/**/*.log", "/srv/c.log", true},
		{"/srv/**", "/srv/a/b.log", true},
		{"/var/log/nginx", "/var/log/nginx2/a.log", false},
		{"/var/log/nginx", "/var/log", false},
		{"/srv/**/*.log", "/var/a/b.log", false},
		{"/srv/**/*.log", "/srv/a/b.txt", false},
	} {
		if got := covers(x.pattern, x.path); got != x.want {
			t.Errorf("covers(%q, %q) = %v", x.pattern, x.path, got)
		}
	}
}
