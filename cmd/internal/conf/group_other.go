//go:build !unix

package conf

import "io/fs"

func groupOf(fs.FileInfo) string { return "" }
