//go:build !unix

package tail

import (
	"io/fs"
	"reflect"
)

// A fileID tells files that exist at one time apart, as far as the system says.
type fileID struct{ device, inode uint64 }

// idOf takes the time of creation for the inode: the content decides anyway.
func idOf(info fs.FileInfo) fileID {
	v := reflect.Indirect(reflect.ValueOf(info.Sys()))
	if v.Kind() != reflect.Struct {
		return fileID{}
	}
	created := v.FieldByName("CreationTime")
	if !created.IsValid() || created.Kind() != reflect.Struct || created.NumField() != 2 {
		return fileID{}
	}
	return fileID{created.Field(1).Uint(), created.Field(0).Uint()}
}

const nonblock = 0
