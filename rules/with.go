package rules

import "io/fs"

// With returns the built-in rules, extended or overridden by those in user.
func With(user ...fs.FS) (*Set, error) { return Load(builtin, user...) }
