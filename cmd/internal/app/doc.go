// Package app builds the roles of why503 from their parts. It opens files,
// starts goroutines and waits for them; what the parts do is theirs.
package app
