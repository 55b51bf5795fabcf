package app

// progress tells how far reading is.
func (r *Run) progress() {
	if r.cfg.Progress == nil {
		return
	}
	done, total, name := r.far()
	r.cfg.Progress.Reading(name, done, total, r.failed+int64(r.joiner.Waiting()))
}

// far returns how many bytes on disk were read of how many, and the name of the
// input of which most is left. Of a stream the end is not known; then total is
// 0 and its bytes are counted as they come out of it.
func (r *Run) far() (done, total int64, name string) {
	most := int64(-1)
	stream := false
	for _, in := range r.inputs {
		if in.join == nil {
			continue
		}
		size := in.source.Size
		if size < 0 {
			stream = true
			done += in.read.Load()
			name = in.name
			continue
		}
		taken := min(in.source.Taken(), size) // a file that had to be sorted is read twice
		done += taken
		total += size
		if left := size - taken; left > most && !stream {
			most, name = left, in.name
		}
	}
	if stream {
		total = 0
	}
	return done, total, name
}
